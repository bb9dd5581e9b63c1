"""Makes the dataset in a work folder that is a project of its own: videos, captions.csv, and the YAMLs.

All videos of one thing are in the same split, so that what the test captions name was in no training caption.
"""

import csv
import random
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from benchmarks.stamps import clips, photographs
from benchmarks.stamps.photographs import Photograph
from pipeline.stores import atomic

NAME = "stamps"
SPLIT_SEED = 13
SHARES = {"train": 0.6, "val": 0.15, "test": 0.25}
SEEDS = list(range(5))
PROJECT = Path(__file__).parents[2]


def splits(found: Sequence[Photograph], seed: int = SPLIT_SEED) -> dict[str, str]:
    """Name of a photograph -> its split: 60 % train, 15 % val, the rest test; the things are shuffled first."""
    things = sorted({one.thing for one in found})
    random.Random(seed).shuffle(things)
    of_thing: dict[str, str] = {}
    filled, names = 0, iter(SHARES)
    split = next(names)
    bound = SHARES[split] * len(found)
    for thing in things:
        if filled >= bound and split != "test":
            split = next(names)
            bound += SHARES[split] * len(found)
        of_thing[thing] = split
        filled += sum(one.thing == thing for one in found)
    return {one.name: of_thing[one.thing] for one in found}


def write(found: Sequence[Photograph], work: Path, form: clips.Format, models: Sequence[str] = ()) -> None:
    """Makes the work folder a project; videos that are there are kept. The `models` are trained with SEEDS."""
    raw = work / "data" / "raw" / NAME
    (raw / "videos").mkdir(parents=True, exist_ok=True)
    for one in found:
        path = raw / "videos" / f"{one.name}.mp4"
        if not path.exists():
            atomic.write_bytes(path, clips.encode(one, form))
    write_captions(found, raw / "captions.csv")
    write_configs(work, models)


def write_captions(found: Sequence[Photograph], path: Path) -> None:
    """One caption a video."""
    of_split = splits(found)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["video", "caption", "split"])
        rows.writerows([f"{one.name}.mp4", one.caption, of_split[one.name]] for one in found)


def write_configs(work: Path, models: Sequence[str] = ()) -> None:
    """The project's own configs; the models are trained with SEEDS."""
    shutil.copytree(PROJECT / "configs", work / "configs", dirs_exist_ok=True)
    shutil.copy(PROJECT / "luigi.cfg", work)
    dataset = {"videos": f"data/raw/{NAME}/videos", "captions": f"data/raw/{NAME}/captions.csv"}
    atomic.write_text(work / "configs" / "datasets" / f"{NAME}.yaml", yaml.safe_dump(dataset))
    for name in models:
        path = work / "configs" / "models" / f"{name}.yaml"
        settings: Mapping = yaml.safe_load(path.read_text(encoding="utf-8"))
        settings["training"]["seeds"] = SEEDS
        atomic.write_text(path, yaml.safe_dump(settings, sort_keys=False))


def write_residual(work: Path, name: str, other: str, experts: Sequence[str]) -> None:
    """Another model with `head: residual` and some of its experts, trained with SEEDS as it is."""
    models = work / "configs" / "models"
    settings = yaml.safe_load((models / f"{other}.yaml").read_text(encoding="utf-8"))
    settings["experts"] = list(experts)
    settings["architecture"]["head"] = "residual"
    settings["training"]["seeds"] = SEEDS
    atomic.write_text(models / f"{name}.yaml", yaml.safe_dump(settings, sort_keys=False))


def photographs_from(given: Path | None, work: Path) -> list[Photograph]:
    """Of a .deb, of a folder, or of the installed package."""
    if given is None:
        return photographs.find()
    return photographs.find(photographs.unpack(given, work / "package") if given.is_file() else given)
