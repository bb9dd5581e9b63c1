"""Whether the usual codecs can be decoded: tried out on tiny clips."""

from collections.abc import Iterator
from typing import Any

from pipeline.doctor.findings import Finding
from pipeline.doctor.probe_codecs import NOT_TRIED

SUBJECT = "decoders"
REINSTALL = "pip install --force-reinstall --only-binary av av: its wheels carry a complete FFmpeg"


def decoders(told: dict[str, Any]) -> Iterator[Finding]:
    """Findings from the answer of the probe."""
    if "codecs" not in told:
        yield Finding(SUBJECT, "fault", f"PyAV cannot decode: {told.get('error', 'no answer')}", REINSTALL)
        return
    codecs: dict[str, str] = told["codecs"]
    ffmpeg = f"FFmpeg {told['ffmpeg'] or told['libraries'].get('libavcodec', '')} inside PyAV"
    works = [codec for codec, why in codecs.items() if not why]
    yield Finding(SUBJECT, "ok", f"{', '.join(works) or 'none'}: made and decoded with {ffmpeg}")
    untried = [codec for codec, why in codecs.items() if why == NOT_TRIED]
    if untried:
        yield Finding(SUBJECT, "note", f"{', '.join(untried)} {NOT_TRIED}")
    broken = [f"{codec} ({why})" for codec, why in codecs.items() if why and why != NOT_TRIED]
    if broken:
        yield Finding(SUBJECT, "fault", f"cannot be decoded: {', '.join(broken)}", REINSTALL)
    if second := told.get("decord"):
        advice = "pip install --force-reinstall decord, or uninstall it: PyAV decodes all by itself"
        yield Finding(SUBJECT, "note", f"decord, the second decoder, fails: {second}", advice)
