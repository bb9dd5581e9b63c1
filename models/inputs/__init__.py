"""Manifests and stores to arrays, and arrays to batches."""
