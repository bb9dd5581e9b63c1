"""Weights of networks: known files, the cache and its downloads, safe loading, stand-ins."""
