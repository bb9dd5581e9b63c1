"""Datasets: their YAML, video files and captions, and the manifest that is built from them."""
