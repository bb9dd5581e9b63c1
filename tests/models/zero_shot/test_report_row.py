import functools
import json

import numpy as np
import pytest

from models.evaluation.metrics import caption_ranks, summary, video_ranks
from models.inputs.load import collect
from models.zero_shot.engines import engines
from models.zero_shot.report_row import untrained, untrained_rows


def test_the_row_holds_the_metrics_and_how_far_the_trained_model_is_from_it(stored):
    data = collect(stored.sources, "test")
    owners = data.collection.caption_video
    for engine in engines(stored.sources, data, stored.labels):
        perfect = np.zeros_like(engine.scores)
        perfect[np.arange(len(owners)), owners] = 1
        row = untrained(data, engine, [caption_ranks(perfect, owners)])
        t2v = summary(caption_ranks(engine.scores, owners))
        assert {name: value["mean"] for name, value in row["t2v"].items()} == t2v
        v2t = summary(video_ranks(engine.scores, owners))
        assert {name: value["mean"] for name, value in row["v2t"].items()} == v2t
        assert row["t2v"]["R@1"]["interval"][0] <= t2v["R@1"] <= row["t2v"]["R@1"]["interval"][1]
        assert row["gain"]["R@1"]["mean"] == pytest.approx(100 - t2v["R@1"])
        assert (row["label"], tuple(row["experts"])) == (engine.label, engine.experts)
        assert json.loads(json.dumps(row)) == row


def test_what_is_reached_on_validation_stands_beside_what_the_trained_model_reaches_there(stored):
    sources, labels = stored.sources, stored.labels
    data, validation = collect(sources, "test"), collect(sources, "val")
    trained = [
        caption_ranks(np.zeros((len(data.captions), len(data.videos)), np.float32), data.collection.caption_video)
    ]
    ranked = functools.partial(engines, sources, labels=labels)
    rows = untrained_rows(sources, data, ranked, trained, validated=12.5)
    assert list(rows) == ["signal.mean", "signal.best", "label_words", "label_words.mean", "fusion"]
    for engine in engines(sources, validation, labels):
        reached = summary(caption_ranks(engine.scores, validation.collection.caption_video))["geometric_mean"]
        found = rows[engine.name]["validation"]
        assert found == {"metric": "geometric_mean", "untrained": reached, "trained": 12.5}
    assert "validation" not in untrained_rows(sources, data, ranked, trained)["fusion"]
