"""The version of the selector; a module of its own, since a run with nothing to do reads it and imports no numpy."""

VERSION = 1
"""Raised by hand when the code in models/fusion changes a weight."""
