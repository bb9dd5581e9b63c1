"""The card of an exported folder: README.md as the Hugging Face hub and its library `datasets` read it."""

from collections import Counter
from collections.abc import Sequence

import yaml

from pipeline.export.source import Source
from pipeline.weights.files import SEEDED

TEXT = """
# Features of {dataset}

What {count} frozen experts saw, heard and read in the videos of the dataset `{dataset}`: a row for each vector, found
by `video` (the path of the file in the dataset) or by `content` (a hash of its bytes). `{videos}` has a row for each
video, with its split and captions. Made by Expert Retrieval.

```python
from datasets import load_dataset

videos = load_dataset("PATH OF THIS FOLDER", split="{videos}")
{vectors}```

## Experts

{experts}

Counts are of videos. An expert without a row is no configuration, since `datasets` opens no empty table; its file is
there. A video without rows is absent (there is nothing for the expert in it) or failed: the file
`.videos.csv` beside each table says which, and why. The whole recipe of each expert is in the metadata of its table's
schema. Licences are those of the weights, as their publishers state them; the licence of the videos and captions is
not known here.

## Columns

| column | what it is |
| --- | --- |
| `video`, `content`, `expert` | whose vector it is |
| `start_s`, `end_s` | seconds from the start of the video |
| `features` | the vector, D times float32, equal to the store's bit for bit |
| others | what the expert keeps beside a vector: words read or heard, boxes in pixels, labels, scores |
"""

_VECTORS = 'vectors = load_dataset("PATH OF THIS FOLDER", "{}", split="features").with_format("numpy")\n'

_COLUMNS = ("expert", "modality", "model", "D", "rows", "present", "absent", "failed", "licence", "recipe", "weights")

Counted = tuple[Source, int, Counter[str]]
"""An expert, its number of rows, and how many videos are present, absent and failed."""


def text(dataset: str, videos: str, experts: Sequence[Counted]) -> str:
    """The card of a folder in which `videos`.parquet and a Parquet file for each expert lie."""
    filled = [source.expert for source, num_rows, _ in experts if num_rows]
    files = [(videos, videos), *((name, "features") for name in filled)]
    header = {
        "pretty_name": f"Features of {dataset}",
        "license": "unknown",
        "tags": ["video", "text-to-video-retrieval", "features"],
        "configs": [
            {"config_name": name, "data_files": [{"split": split, "path": f"{name}.parquet"}]}
            | ({"default": True} if name == videos else {})
            for name, split in files
        ],
    }
    rows = [_COLUMNS, ("---",) * len(_COLUMNS), *map(_cells, experts)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    vectors = _VECTORS.format(filled[0]) if filled else ""
    body = TEXT.format(dataset=dataset, count=len(experts), videos=videos, vectors=vectors, experts=table)
    return f"---\n{yaml.safe_dump(header, sort_keys=False, allow_unicode=True)}---\n{body}"


def _cells(one: Counted) -> tuple[str, ...]:
    source, num_rows, states = one
    counts = (source.dim, num_rows, states["present"], states["absent"], states["failed"])
    licence = source.licences or ("not stated" if source.weights else "no weights")
    weights = ", ".join(f"{part} {_short(told)}" for part, told in sorted(source.weights.items())) or "none"
    cells = (source.expert, source.modality, source.model, *map(str, counts), licence, source.fingerprint, weights)
    return tuple(cell.replace("|", "\\|").replace("\n", " ") for cell in cells)


def _short(identity: str) -> str:
    return "stand-ins: these vectors mean nothing" if identity == SEEDED else identity
