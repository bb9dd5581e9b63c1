"""Queries over a trained or untrained collection."""
