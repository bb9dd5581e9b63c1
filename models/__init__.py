"""Features to rankings: Collaborative Experts and MoEE, their training and their evaluation."""
