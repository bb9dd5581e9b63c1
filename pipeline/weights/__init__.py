"""Weights of networks: which files there are, the cache that holds them, how they are read, stand-ins."""
