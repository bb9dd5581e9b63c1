"""Clips with frames and sound for the experts that take both, and what such an expert is shown of one."""

from extractors.extraction import views
from extractors.extraction.segments import Segment
from pipeline.media.video import probe
from tests.clips import make_clip, numbered


def told_and_mute(folder):
    """5 s with sound, and without."""
    settings = {"size": (64, 40), "fps": 4, "seconds": 5.0, "picture": lambda index: numbered(index, (64, 40))}
    return make_clip(folder / "told.mp4", **settings), make_clip(folder / "mute.mp4", sound=None, **settings)


def shown(expert, path):
    """The view of its need."""
    return views.decode_views(Segment(path, "key", 0, ()), probe(path), {expert.need})[expert.need].view
