"""Media files: containers, decoders, frames, sound and subtitles, behind one interface."""
