"""Fusion of engines that reads their scores: weights for each query, by the shape of its score lists."""
