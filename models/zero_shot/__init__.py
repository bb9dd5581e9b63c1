"""Ranking without training: queries compared with the labels that classifiers recognised."""
