"""Datasets: their YAML, their files and captions, and the manifest that both become."""
