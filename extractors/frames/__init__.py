"""What extractors that look at frames share: windows of frames, the salient region."""
