"""Reads manifests and stores into arrays, and cuts arrays into batches."""
