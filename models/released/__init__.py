"""Reads the models that the authors of Collaborative Experts released."""
