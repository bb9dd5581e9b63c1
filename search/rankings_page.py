"""The page of rankings: one file with everything in it but the videos and their stills, which it links."""

import base64
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pipeline import store
from pipeline.errors import PipelineError
from search import rankings
from search.folder import key_of
from search.posters import poster

TEMPLATES = Path(__file__).with_name("templates")
PAGE = "rankings.html"
POSTER_WIDTH_PX = 320

Progress = Callable[[int, int], None]


def write_page(
    ranked: rankings.Ranked, facts: Mapping[str, Any], root: Path, folder: Path, progress: Progress = lambda *_: None
) -> Path:
    """`folder`/rankings.html, and the stills of the videos on it, taken from the files in `root`; its path.

    `facts` are dataset, model, split, seed and modalities (expert -> modality).
    """
    captions, videos = rankings.of_captions(ranked), rankings.of_videos(ranked)
    shown = rankings.shown_videos([*captions, *videos])
    body = {
        **facts,
        "experts": [{"name": name, "modality": facts["modalities"][name]} for name in ranked.experts],
        "num_videos": len(ranked.split.videos),
        "num_captions": len(ranked.split.captions),
        "t2v": captions,
        "v2t": videos,
        "media": _media(shown, root, folder, progress),
    }
    store.write_text(folder / PAGE, render(body))
    return folder / PAGE


def render(body: Mapping[str, Any]) -> str:
    """The page, whose own script is the only one that it lets run."""
    from jinja2 import Environment, StrictUndefined, select_autoescape
    from markupsafe import Markup

    script, style = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("rankings.js", "rankings.css"))
    page = Environment(autoescape=select_autoescape(default=True), undefined=StrictUndefined).from_string(
        (TEMPLATES / "rankings.html").read_text(encoding="utf-8")
    )
    # A "<" inside the data could end the element that holds it; as an escape of JSON it cannot.
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


def _media(video_ids: Sequence[str], root: Path, folder: Path, progress: Progress) -> dict[str, dict[str, str]]:
    """Video -> the addresses of its file and still, as seen from the page; empty where there is none."""
    media = {}
    for number, video_id in enumerate(video_ids, 1):
        path = root / video_id
        still = folder / "rankings" / f"{key_of(video_id)}.jpg"
        there = path.is_file()
        media[video_id] = {
            "file": _address(path, folder) if there else "",
            "poster": _address(still, folder) if there and _has_still(path, still) else "",
        }
        progress(number, len(video_ids))
    return media


def _has_still(path: Path, still: Path) -> bool:
    """Whether there is one, taken now if need be."""
    if not still.is_file():
        try:
            picture = poster(path, 0.5, POSTER_WIDTH_PX)
        except PipelineError:
            return False
        still.parent.mkdir(parents=True, exist_ok=True)
        partial = still.with_suffix(".partial")
        partial.write_bytes(picture)
        partial.replace(still)
    return True


def _address(path: Path, folder: Path) -> str:
    """Relative, so that the page and the data can be moved together; absolute on another disk of a machine."""
    try:
        relative = os.path.relpath(path.absolute(), folder.absolute())
    except ValueError:
        return path.absolute().as_uri()
    return "/".join(quote(part) for part in Path(relative).parts)
