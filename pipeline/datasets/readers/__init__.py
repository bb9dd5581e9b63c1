"""Readers of the annotation files of known datasets: a module per format, with `FILES`, `VARIANTS` and `read`."""
