"""Evaluation of trained networks: scores, ranks, metrics, confidence intervals, paired tests."""
