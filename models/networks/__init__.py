"""Collaborative Experts, MoEE, the baselines and the head that starts from frozen scores; and the layers of all."""
