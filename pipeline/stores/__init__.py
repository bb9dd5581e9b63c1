"""Feature stores and results on disk: immutable parts, recipes, fingerprints, atomic writes, export."""
