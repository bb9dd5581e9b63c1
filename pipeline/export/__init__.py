"""Exports features for use elsewhere: JSON lines, Parquet, Lance, WebDataset, NumPy, and all experts in one folder."""
