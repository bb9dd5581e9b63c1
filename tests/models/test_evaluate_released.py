"""The miniature checkpoint of the authors' format, from features in stores to a report."""

import dataclasses
import json

import numpy as np
import pytest

from models.evaluation.evaluate import similarities
from models.evaluation.metrics import caption_ranks, summary, video_ranks
from models.inputs.load import Sources, collect
from models.released.load import load_released
from models.stages import evaluate_released, renamed
from pipeline.datasets.annotations import Caption
from pipeline.datasets.manifest import Manifest, Video
from pipeline.datasets.videos import Listed
from pipeline.stores import parts
from pipeline.stores.parts import Features
from pipeline.stores.store import Row
from tests.models import reference_cases
from tests.models.synthetic_stores import without

OURS = {"face": "a", "ocr": "b", "r2p1d.r2p1d-ig65m.0": "c", "scene.densenet161.0": "d"}
CAPTIONS = 1
"""Of each video, in the reference."""


@pytest.fixture(scope="module")
def files():
    return reference_cases.find("released_format_ckpt.pth"), reference_cases.find("released_format_config.json")


@pytest.fixture(scope="module")
def case(files):
    return reference_cases.load("released_format_expected.npz")


@pytest.fixture(scope="module")
def sources(case, files, tmp_path_factory):
    """The inputs of the reference in stores, without padding, under names of ours."""
    folder, videos = tmp_path_factory.mktemp("stores"), range(8)
    experts, available, text = reference_cases.inputs(case, "eval")
    lengths = {"ocr": case.arrays["eval/len/ocr"]}
    for theirs, ours in OURS.items():
        rows = []
        for video in videos:
            vectors = np.atleast_2d(experts[theirs][video].numpy())
            count = int(lengths[theirs][video]) if theirs in lengths else 1
            rows.append(vectors[: count if available[theirs][video] else 0])
        publish(folder / ours, [f"content-{video}" for video in videos], rows)
    texts = [[f"caption {number} of {video}" for number in range(CAPTIONS)] for video in videos]
    tokens = [text[v, c, : int(case.arrays["eval/text_len"][v, c])].numpy() for v in videos for c in range(CAPTIONS)]
    publish(folder / "text", [Caption(text).key for row in texts for text in row], tokens)
    listed = tuple(
        Video(f"v{v}", f"content-{v}", "test", tuple(map(Caption, texts[v])), 1.0, True, True, False) for v in videos
    )
    model = load_released(*files)
    return Sources(
        Manifest("mini", folder, "0" * 12, Listed(listed)),
        tuple(dataclasses.replace(expert, name=OURS[expert.name]) for expert in model.experts),
        {name: folder / name for name in OURS.values()},
        model.text_input,
        folder / "text",
    )


def publish(folder, keys, rows):
    parts.publish(
        folder,
        [Row(key, len(row)) for key, row in zip(keys, rows, strict=True)],
        [Features(row, np.zeros((len(row), 2))) for row in rows],
        rows[0].shape[1],
    )


def test_the_checkpoint_gives_the_expected_matrix_from_stores_of_features(sources, files, case):
    model = load_released(*files)
    data = collect(renamed(sources, model, OURS), "test")
    np.testing.assert_allclose(similarities(model, data.collection), case.arrays["eval/out/sims"], rtol=0, atol=2e-6)


def test_the_report_holds_the_metrics_of_that_matrix(sources, files, case):
    report = evaluate_released(sources, *files, OURS, "test")
    expected, owners = case.arrays["eval/out/sims"], np.repeat(np.arange(8), CAPTIONS)
    assert {name: row["mean"] for name, row in report["t2v"].items()} == summary(caption_ranks(expected, owners))
    assert {name: row["mean"] for name, row in report["v2t"].items()} == summary(video_ranks(expected, owners))
    assert report["gallery"] == {"videos": 8, "captions": 8}
    assert report["selection"] == "released: released_format_ckpt.pth"
    assert report["training"] == {}
    assert "t2v_querybank" not in report["variants"], "there are no training captions here"
    json.dumps(report)


def test_training_captions_are_a_bank_where_there_are_any(sources, files):
    videos = sources.manifest.videos
    split = (*(dataclasses.replace(video, split="train") for video in videos[:4]), *videos[4:])
    both = dataclasses.replace(sources, manifest=dataclasses.replace(sources.manifest, videos=split))
    assert "t2v_querybank" in evaluate_released(both, *files, OURS, "test")["variants"]
    assert "t2v_querybank" not in evaluate_released(without(both, "train"), *files, OURS, "test")["variants"]
