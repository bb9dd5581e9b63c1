"""Finds the subtitle file beside a video; apart from subtitles.py so that file scans need no media library."""

from pathlib import Path

SIDECARS = (".srt", ".vtt")


def sidecar(path: Path) -> Path | None:
    """The subtitle file beside the video `path` (same name, .srt before .vtt), or None."""
    candidates = (path.with_suffix(suffix) for suffix in SIDECARS)
    return next((candidate for candidate in candidates if candidate.is_file()), None)
