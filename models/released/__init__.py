"""Models that the authors of Collaborative Experts released."""
