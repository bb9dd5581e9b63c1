"""Keys of the rows that a dataset needs, made once per manifest: they are compared with many stores."""

from collections.abc import Callable, Iterable, Iterator

from pipeline.datasets.annotations import key_of
from pipeline.datasets.manifest import Manifest, Video
from pipeline.released.feature_import import row_key
from pipeline.stores.keys import Keys

KEPT = 8
"""Sets of keys: of some datasets, and of their captions; each has 40 bytes for a video."""

_made: dict[tuple[str, str], Keys] = {}


def of_video(video: Video, collection: str) -> str:
    """Key of the row of a video in the store of an expert; `collection`: of imported features, empty for others."""
    return row_key(collection, video.video_id) if collection else video.content


def of_each(manifest: Manifest, collection: str) -> Iterable[str]:
    """Key of the row of each video, in manifest order."""
    videos = manifest.videos
    return (row_key(collection, video_id) for video_id in videos.ids) if collection else videos.column("content")


def of_videos(manifest: Manifest, collection: str) -> Keys:
    """The same for comparison with stores; the same object for the same manifest."""
    return _once((manifest.fingerprint, f"videos {collection}"), lambda: of_each(manifest, collection))


def of_captions(manifest: Manifest) -> Keys:
    """Keys of the texts as `texts` gives them; the same object for the same manifest."""
    return _once((manifest.fingerprint, "captions"), lambda: map(key_of, texts(manifest)))


def texts(manifest: Manifest) -> Iterator[str]:
    """The captions of all videos, each text once."""
    return iter(dict.fromkeys(manifest.videos.texts()))


def _once(which: tuple[str, str], keys: Callable[[], Iterable[str]]) -> Keys:
    found = _made.pop(which, None)
    found = Keys(keys()) if found is None else found  # and not "or": those of no video are empty
    _made[which] = found
    while len(_made) > KEPT:
        _made.pop(next(iter(_made)), None)
    return found
