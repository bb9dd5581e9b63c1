"""The demo dataset: videos, sounds and captions made on the spot, of known content."""
