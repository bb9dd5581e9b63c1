"""Reports of an evaluation, as files and as one table of all results."""
