"""Makes the synthetic collection of `benchmarks/planning.py`: everything but the pictures is as the tasks leave it.

Files of videos are empty. Each of the seven light experts has a row for each video, in parts of 64: three of four rows
have a vector, a few failed, the others have a note. Parts differ in their indexes alone, and share all other files by
hard links. A training of one epoch on 200 of the videos and its report stand for those of all, under their recipes.
"""

import csv
import dataclasses
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import yaml

from pipeline.datasets import manifest, scan
from pipeline.datasets.annotations import Caption
from pipeline.datasets.manifest import Manifest, Video
from pipeline.datasets.video_columns import gather
from pipeline.datasets.videos import Listed
from pipeline.stores import parts, recipes, store
from pipeline.stores.fingerprint import text_sha256
from pipeline.stores.parts import Features
from pipeline.stores.store import Row
from tasks.plan.layout import Layout
from tasks.plan.plan import Plan, load_plan

CONFIGS = Path(__file__).parents[1] / "configs"
EXPERTS = ("audio_light", "face_light", "flow_light", "ocr_light", "rgb_light", "scene_light", "speech_light")
DATASET, MODEL, SPLIT, SEEDS = "bench", "bench", "test", (0, 1, 2)
VIDEOS_PER_PART, CAPTIONS_PER_PART, LINKED = 64, 8192, 1000
PER_FOLDER, TRAINED_ON = 1000, 200
SUBTITLED, FAILED_EVERY = 5, 1000


def layout(root: Path) -> Layout:
    """Where the collection at `root` lies."""
    return Layout(root / "data", root / "configs")


def plan(root: Path) -> Plan:
    """The plan of the collection at `root`."""
    return load_plan(layout(root), DATASET)


def make_configs(root: Path) -> None:
    """The shipped configs of the experts, and a model that trains for one epoch."""
    for kind in ("datasets", "models"):
        (root / "configs" / kind).mkdir(parents=True)
    for kind, names in {"experts": EXPERTS, "text": ("words_hashed",)}.items():
        (root / "configs" / kind).mkdir()
        for name in names:
            shutil.copy(CONFIGS / kind / f"{name}.yaml", root / "configs" / kind)
    shutil.copy(CONFIGS / "search.yaml", root / "configs")
    model = yaml.safe_load((CONFIGS / "models" / "ce_light.yaml").read_text(encoding="utf-8"))
    model["training"] |= {"epochs": 1, "seeds": list(SEEDS)}
    raw = root / "data" / "raw"
    dataset = {"videos": str(raw / "videos"), "captions": str(raw / "captions.csv"), "model": MODEL}
    for kind, body in {"datasets": dataset, "models": model}.items():
        (root / "configs" / kind / f"{DATASET}.yaml").write_text(yaml.safe_dump(body), encoding="utf-8")


def videos(size: int) -> Iterator[Video]:
    """The videos, by id: 90 % for training, 5 % each for validation and test."""
    for at in range(size):
        split = ("val", "test")[at % 2] if at % 20 < 2 else "train"
        captions = (Caption(f"somebody does thing number {at} in a video", ()),)
        content, size_bytes = text_sha256(f"video {at}")[:32], 20_000_000 + at
        has_subtitles = at % SUBTITLED == 0
        stamps = (size_bytes, 10**18 + at, *((900, 10**18 + at) if has_subtitles else (0, 0)))
        yield Video(name(at), content, split, captions, 10.0 + at % 50, True, True, has_subtitles, stamps=stamps)


def name(at: int) -> str:
    """Id of a video."""
    return f"{at // PER_FOLDER:05}/video-{at:08}.mp4"


def make_files(root: Path, size: int) -> None:
    """The folder of the videos, as empty files, a fifth with subtitles; and the captions file."""
    folder = root / "data" / "raw" / "videos"
    for first in range(0, size, PER_FOLDER):
        (folder / name(first)).parent.mkdir(parents=True)
        for at in range(first, min(first + PER_FOLDER, size)):
            (folder / name(at)).touch()
            if at % SUBTITLED == 0:
                (folder / name(at)).with_suffix(".srt").touch()
    with (root / "data" / "raw" / "captions.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("video", "caption", "split"))
        writer.writerows((video.video_id, video.captions[0].text, video.split) for video in videos(size))


def make_manifest(root: Path, size: int) -> Manifest:
    """The manifest, which is not saved."""
    return manifest.of(DATASET, root / "data" / "raw" / "videos", gather(videos(size)))


def save_manifest(root: Path, made: Manifest) -> None:
    """Saves the manifest, with the pointer that a look at the folder finds."""
    selected = plan(root).selection
    folder = layout(root).manifests(DATASET)
    manifest.save(made, folder)
    manifest.write_pointer(folder, scan.scan_digest(DATASET, selected.settings), made.fingerprint)


def make_stores(root: Path, size: int) -> None:
    """The stores of all experts and of the captions, from the manifest."""
    selected = plan(root).selection
    keys = [video.content for video in videos(size)]
    for number, expert in enumerate(selected.experts):
        folder, dim = layout(root).features(expert), expert.extractor.dim
        recipes.write_recipe(folder, expert.recipe)
        rows = [_row(key, at, number) for at, key in enumerate(keys)]
        write_parts(folder, rows, dim, VIDEOS_PER_PART)
    keys = [video.captions[0].key for video in videos(size)]
    folder = layout(root).text(selected.text)
    recipes.write_recipe(folder, selected.text.recipe)
    write_parts(folder, [Row(key, 8) for key in keys], selected.text.encoder.dim, CAPTIONS_PER_PART)


def _row(key: str, at: int, expert: int) -> Row:
    if (at + expert) % FAILED_EVERY == 0:
        return Row(key, 0, failed=True, reason="damaged: no frame could be decoded")
    if (at + expert) % 4 == 0:
        return Row(key, 0, reason="no audio stream" if expert % 2 else "")
    return Row(key, 1)


def write_parts(folder: Path, rows: list[Row], dim: int, size: int) -> None:
    """Writes the rows as `parts.publish` does, but shares the files of arrays of the same lengths by links."""
    templates: dict[tuple[int, ...], list[Path]] = {}
    for first in range(0, len(rows), size):
        block = rows[first : first + size]
        for chosen in ([row for row in block if not row.failed], [row for row in block if row.failed]):
            counts = tuple(row.count for row in chosen)
            made = templates.setdefault(counts, [])
            if chosen and len(made) % LINKED == 0:
                made += parts.publish(folder, chosen, [features(row, dim) for row in chosen], dim)
            elif chosen:
                made.append(link_part(made[-1 - (len(made) - 1) % LINKED], folder, chosen))


def features(row: Row, dim: int) -> Features:
    """Vectors of a row, whose values differ from vector to vector."""
    values = np.random.default_rng(int(row.key[:8], 16)).standard_normal((row.count, dim), np.float32)
    return Features(values, np.stack([np.arange(row.count), np.arange(row.count) + 1.0], axis=1))


def link_part(template: Path, folder: Path, rows: list[Row]) -> Path:
    """A part like `template` with other rows of the same counts: its path."""
    part = folder / f"part-{uuid.uuid4().hex[:12]}.zarr"
    shutil.copytree(template, part, copy_function=os.link)
    (part / "zarr.json").unlink()
    body = json.loads((template / "zarr.json").read_text(encoding="utf-8"))
    body["attributes"] = store.attributes(rows, body["attributes"]["arrays"])
    (part / "zarr.json").write_text(json.dumps(body, indent=2), encoding="utf-8")
    return part


def make_results(root: Path) -> None:
    """The trainings of all seeds, and their report, under the recipes of the whole collection."""
    from models.stages import RUN_FILES, evaluate_seeds, train_seed
    from pipeline.reports.report import FILES, write_report
    from tasks.plan.data_summary import data_summary

    planned = plan(root)
    sources = planned.sources()
    few = Listed(sources.manifest.videos[:TRAINED_ON])
    sources = dataclasses.replace(sources, manifest=dataclasses.replace(sources.manifest, videos=few))
    runs = {}
    for seed in SEEDS:
        recipe = planned.train_recipe(seed)
        runs[seed] = planned.result_folder("runs", recipe)
        train_seed(sources, planned.selection.model, seed, runs[seed], lambda done, of: None)
        recipes.write_recipe(runs[seed], recipe, files=RUN_FILES)
    report = evaluate_seeds(sources, planned.selection.model, runs, SPLIT, None)
    recipe = planned.evaluate_recipe(SEEDS, SPLIT)
    folder = planned.result_folder("reports", recipe)
    write_report(folder, report | data_summary(planned.inventory) | {"rankings": False})
    recipes.write_recipe(folder, recipe, files=FILES)


def make_index(root: Path, size: int) -> None:
    """The index that a search opens, as `benchmarks/search_index.py` makes it, under the recipe of the collection."""
    from benchmarks import search_index
    from search.index.folder import publish
    from search.index.vectors import MOMENTS, VIDEOS
    from tasks.plan.index_plan import IndexPlan

    planned = IndexPlan(plan(root))
    made = search_index.make_collection(root / "made", size)
    search_index.make(made / VIDEOS, size)
    shutil.copytree(made / VIDEOS, made / MOMENTS, copy_function=os.link)
    (made / "recipe.json").unlink()
    planned.parent.mkdir(parents=True)
    made.rename(planned.folder)
    recipes.write_recipe(planned.folder, planned.recipe())
    publish(planned.folder)
    shutil.rmtree(root / "made")
