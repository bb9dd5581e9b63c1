"""What an expert may ask to be shown of a video, and the views in which it gets it."""
