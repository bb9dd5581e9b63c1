"""Annotation files as the owners of the known datasets distribute them: one module a dataset, found by its name.

Each module has `FILES`, what it wants in words, and `read(folder, variant)`, which gives None when they are not there.
"""
