"""Base classes of extractors over frames, and the salient region of a frame."""
