"""Media files: containers, decoders, frames, audio and subtitles."""
