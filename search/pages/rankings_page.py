"""Writes the rankings page: one HTML file, which links the videos and their stills."""

import base64
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pipeline.datasets.manifest import Video
from pipeline.stores import atomic
from search.index.folder import key_of
from search.pages import rankings
from search.pages.stills import Progress, Still, take

TEMPLATES = Path(__file__).with_name("templates")
PAGE, STILLS = "rankings.html", "rankings"


def write_page(
    ranked: rankings.Ranked, facts: Mapping[str, Any], folder: Path, workers: int, progress: Progress = lambda *_: None
) -> Path:
    """Writes `folder`/rankings.html, and takes the stills of its videos in `workers` processes; returns its path.

    `facts`: dataset, model, split, seed, modalities (expert -> modality) and root, the folder of the videos.
    """
    from_captions, from_videos = rankings.caption_queries(ranked), rankings.video_queries(ranked)
    body = {key: facts[key] for key in ("dataset", "model", "split", "seed")} | {
        "experts": [{"name": name, "modality": facts["modalities"].get(name, "")} for name in ranked.experts],
        "num_videos": len(ranked.split.videos),
        "num_captions": len(ranked.split.captions),
        "t2v": from_captions,
        "v2t": from_videos,
    }
    on_page = set(rankings.shown_videos([*from_captions, *from_videos]))
    videos = [video for video in ranked.split.videos if video.video_id in on_page]
    media = _media(videos, Path(facts["root"]), folder, workers, progress)
    atomic.write_text(folder / PAGE, render(body | {"media": media}))
    return folder / PAGE


def _media(
    videos: Sequence[Video], root: Path, folder: Path, workers: int, progress: Progress
) -> dict[str, dict[str, str]]:
    """Video -> relative addresses of its file and its still; empty where there is none."""
    stills = {
        video.video_id: Still(
            root / (video.file or video.video_id),
            video.start_s + video.duration_s / 2,
            folder / STILLS / f"{key_of(video.video_id)}.jpg",
        )
        for video in videos
        if not video.problem and (root / (video.file or video.video_id)).is_file()
    }
    take(
        [stills[video.video_id] for video in videos if video.video_id in stills and video.has_video], workers, progress
    )
    media = {video.video_id: {"file": "", "poster": ""} for video in videos}
    spans = {video.video_id: "#t={},{}".format(*video.span_s) for video in videos if video.span_s}
    for name, still in stills.items():
        picture = _address(still.output, folder) if still.output.is_file() else ""
        media[name] = {"file": _address(still.video, folder) + spans.get(name, ""), "poster": picture}
    return media


def render(body: Mapping[str, Any]) -> str:
    """The HTML of the page; its Content-Security-Policy only allows its own script and style."""
    from jinja2 import Environment, StrictUndefined, select_autoescape
    from markupsafe import Markup

    script, style = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("rankings.js", "rankings.css"))
    page = Environment(autoescape=select_autoescape(default=True), undefined=StrictUndefined).from_string(
        (TEMPLATES / "rankings.html").read_text(encoding="utf-8")
    )
    # A "<" inside the data could close its script element; as a JSON escape it cannot.
    data = json.dumps(body, ensure_ascii=False).replace("<", "\\u003c").replace("\u2028", "\\u2028")
    return page.render(
        title=f"{body['dataset']}: rankings",
        script=Markup(script),  # noqa: S704 - our own files
        style=Markup(style),  # noqa: S704
        data=Markup(data),  # noqa: S704
        script_hash=_hash(script),
        style_hash=_hash(style),
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _address(path: Path, folder: Path) -> str:
    """The address of `path`, relative to the page so that both can be moved together; absolute if on another drive."""
    try:
        relative = os.path.relpath(path.absolute(), folder.absolute())
    except ValueError:
        return path.absolute().as_uri()
    return "/".join(quote(part) for part in Path(relative).parts)
