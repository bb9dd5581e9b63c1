"""Readers of the annotation files of known datasets, one module per format, found by its name.

Each has `FILES` (the files it needs, in words), `VARIANTS` (the splits it knows), and `read(folder, variant)`, which
returns None when the files are missing.
"""
