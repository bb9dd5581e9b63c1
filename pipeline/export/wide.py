"""Exports all experts of a dataset into one folder that `datasets.load_dataset` reads, with a card."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.datasets.video import Video
from pipeline.errors import ConfigError
from pipeline.export import card
from pipeline.export.folders import replacing_folder, told
from pipeline.export.formats import export_states
from pipeline.export.source import Source, VideoFeatures, clip_of
from pipeline.export.tables import write_parquet
from pipeline.stores.store import Row

VIDEOS = "videos"
"""Table of the videos themselves; no expert may be called so."""

BLOCK = 1024
"""Videos that are in memory at once."""


@dataclass(frozen=True)
class Exported:
    """One expert of a folder: each function goes through the videos anew, in manifest order."""

    source: Source
    features: Callable[[], Iterable[VideoFeatures]]
    """Of the videos that have some."""
    rows: Callable[[], Iterable[tuple[str, Row, str]]]
    """(video id, row, note of the manifest) of all videos."""


@dataclass(frozen=True)
class Written:
    """What was written of one expert."""

    source: Source
    num_rows: int
    states: Counter[str]
    """As `export_states` counts."""


def export_all(videos: Sequence[Video], experts: Sequence[Exported], path: Path) -> list[Written]:
    """Writes the folder `path`, which appears whole: of each expert a Parquet file and a CSV of states.

    Beside them `videos.parquet` (a row for each video: split, captions, and how many vectors each expert has, null
    where it failed), and the card README.md. ConfigError where another folder lies there, StoreError where it cannot be
    written.
    """
    names = [one.source.expert for one in experts]
    if VIDEOS in names:
        raise ConfigError(f"an expert called {VIDEOS!r} cannot be exported beside others: the table of videos has it")
    with told(path), replacing_folder(path, {"experts": [one.source.facts for one in experts]}) as folder:
        written = list[Written]()
        for one in experts:
            name = f"{one.source.expert}.parquet"
            num_rows = write_parquet(one.features(), folder / name, one.source)
            written.append(Written(one.source, num_rows, export_states(one.rows(), folder / f"{name}.videos.csv")))
        _write_videos(videos, experts, folder / f"{VIDEOS}.parquet")
        text = card.text(experts[0].source.dataset, VIDEOS, [(one.source, one.num_rows, one.states) for one in written])
        (folder / "README.md").write_text(text, encoding="utf-8")
    return written


def _write_videos(videos: Sequence[Video], experts: Sequence[Exported], path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    names = [one.source.expert for one in experts]
    texts = [(name, pa.string()) for name in ("video", "content", "split")]
    has_clips = any(video.span_s for video in videos)
    if has_clips:
        texts += [("file", pa.string()), ("clip_start_s", pa.float64()), ("clip_end_s", pa.float64())]
    fields = [*texts, ("captions", pa.list_(pa.string())), ("duration_s", pa.float64())]
    schema = pa.schema([*fields, *((f"num_{name}", pa.int32()) for name in names)])
    with parquet.ParquetWriter(path, schema) as writer:
        for block in _blocks(_lines(videos, experts, has_clips)):
            writer.write_table(pa.Table.from_pylist(block, schema))


def _lines(videos: Iterable[Video], experts: Sequence[Exported], has_clips: bool) -> Iterator[dict[str, object]]:
    names = [f"num_{one.source.expert}" for one in experts]
    for video, *rows in zip(videos, *(one.rows() for one in experts), strict=True):
        yield {
            "video": video.video_id,
            **(clip_of(video) if has_clips else {}),
            "content": video.content,
            "split": video.split,
            "captions": [caption.text for caption in video.captions],
            "duration_s": video.duration_s,
            **{name: None if row.failed else row.count for name, (_, row, _) in zip(names, rows, strict=True)},
        }


def _blocks(lines: Iterator[dict[str, object]]) -> Iterator[list[dict[str, object]]]:
    block = list[dict[str, object]]()
    for line in lines:
        block.append(line)
        if len(block) == BLOCK:
            yield block
            block = []
    if block:
        yield block
