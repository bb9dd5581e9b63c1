"""Collaborative Experts, MoEE and the baselines, and the layers that they are made of."""
