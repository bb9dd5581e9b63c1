"""Builds an index from a manifest, features and a trained model."""
