"""Reports of evaluations, as files and as one table of all results."""
