"""Finds the subtitle file beside a video; apart from subtitles.py so that file scans need no media library."""

from pathlib import Path

from pipeline.file_kinds import irregular

SIDECARS = (".srt", ".vtt")


def sidecar(path: Path) -> Path | None:
    """The subtitle file beside the video `path` (same name, .srt before .vtt), or None."""
    candidates = (path.with_suffix(suffix) for suffix in SIDECARS)
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def unusable_sidecar(path: Path) -> str:
    """Why what lies in the place of the video's subtitle file cannot be read, with its name; else empty."""
    for suffix in SIDECARS:
        if why := irregular(path.with_suffix(suffix)):
            return f"{path.with_suffix(suffix).name}: {why}; left out"
    return ""
