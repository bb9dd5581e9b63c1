"""Evaluation: scores, ranks, metrics, intervals, paired tests."""
