"""Versions of what reads score lists; a module of its own: a run with nothing to do reads it and imports no numpy."""

VERSION = 1
"""Raised by hand when the code in models/fusion changes a weight of the selector."""
START = 1
"""Raised by hand when the start of the head `residual` changes, its fixed weights, or which of its epochs is kept."""
