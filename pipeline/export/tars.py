"""Writes features as WebDataset: tars in which each video has KEY.npy, its vectors, and KEY.json, all else.

A key is the video's id with its dots and percent signs as in an address (`a.mp4` is `a%2Emp4`), since WebDataset ends a
key at the first dot; `video` in the JSON is the id itself.
"""

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import ConfigError
from pipeline.export.lines import plain
from pipeline.export.source import Source, VideoFeatures

SHARD_BYTES = 256 << 20
"""A shard that has so many bytes of vectors gets no further video."""


def write_tars(videos: Iterable[VideoFeatures], folder: Path, source: Source, shard_bytes: int = SHARD_BYTES) -> int:
    """Writes `<expert>-<number>.tar` in `folder`, also where there is no video; returns the number of vectors.

    ConfigError where the package is missing.
    """
    try:
        from webdataset import TarWriter
    except ModuleNotFoundError:
        raise ConfigError(
            "--format webdataset needs the package webdataset: pip install 'expert-retrieval[webdataset]'"
        ) from None
    folder.mkdir(parents=True, exist_ok=True)
    rest, number, count, is_over = iter(videos), 0, 0, False
    while not is_over:
        with (
            (folder / f"{source.expert}-{number:06}.tar").open("wb") as file,
            TarWriter(file, encoder=False, mtime=0) as tar,
        ):
            size, number, is_over = 0, number + 1, True
            for video in rest:
                tar.write(_sample(video, source))
                size += video.features.values.nbytes
                count += len(video.features.values)
                if size >= shard_bytes:
                    is_over = False
                    break
    return count


def key_of(video: str) -> str:
    """The key of the video with this id."""
    return video.replace("%", "%25").replace(".", "%2E")


def _sample(video: VideoFeatures, source: Source) -> dict[str, Any]:
    told = {
        "video": video.video,
        "content": video.content,
        **video.clip,
        "expert": source.expert,
        "recipe_fingerprint": source.fingerprint,
        "times_s": video.features.times_s.tolist(),
        **{name: plain(values) for name, values in sorted(video.features.extras.items())},
    }
    array = io.BytesIO()
    np.save(array, video.features.values, allow_pickle=False)
    body = json.dumps(told, ensure_ascii=False).encode()
    return {"__key__": key_of(video.video), "npy": array.getvalue(), "json": body}
