"""The demo dataset: generated videos with sound, subtitles and captions, whose ground truth is known."""
