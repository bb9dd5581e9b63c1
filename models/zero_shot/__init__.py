"""Ranking without training: by the text towers of aligned experts, by label words, and by both together."""
