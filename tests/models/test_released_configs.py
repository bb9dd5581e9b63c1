"""The YAMLs for released features against the authors' own configs and the sizes that they published."""

import json

import pytest

from models import config as model_config
from pipeline import config
from pipeline.reports.results import published
from tests.conftest import ROOT
from tests.models import reference_cases

MODELS = ROOT / "configs" / "models"

THEIRS = {
    "ce_released_msrvtt": "msrvtt/train-full-ce",
    "ce_released_msrvtt_1ka": "msrvtt/train-jsfusion-ce",
    "ce_released_msrvtt_1kb": "msrvtt/train-miech-ce",
    "ce_released_lsmdc": "lsmdc/train-full-ce",
    "ce_released_msvd": "msvd/train-full-ce",
    "ce_released_didemo": "didemo/train-full-ce",
    "ce_released_activitynet": "activity-net/train-full-ce",
}

MILLIONS = {
    "ce_released_msrvtt": 183.45,
    "ce_released_msrvtt_1ka": 183.45,
    "ce_released_msrvtt_1kb": 92.43,
    "ce_released_lsmdc": 116.86,
    "ce_released_msvd": 84.04,
    "ce_released_didemo": 79.29,
    "ce_released_activitynet": 260.68,
}

SHORT = {
    "audio": "audio", "face": "face", "i3d.i3d.0": "i3d", "imagenet.resnext101_32x48d.0": "imagenet_resnext101",
    "imagenet.senet154.0": "imagenet_senet154", "ocr": "ocr", "r2p1d.r2p1d-ig65m.0": "r2p1d_ig65m",
    "scene.densenet161.0": "scene", "speech": "speech",
}  # fmt: skip


def ours(name):
    return model_config.load(name, MODELS)


def test_every_model_for_released_features_is_compared():
    assert {name for name in config.names(MODELS) if name.startswith("ce_released_")} >= set(THEIRS)


@pytest.mark.parametrize("name", THEIRS)
def test_a_model_has_the_settings_of_the_authors(name):
    their = json.loads(reference_cases.find("resolved_configs.json").read_text())[f"configs/{THEIRS[name]}.json"]
    model = ours(name)
    plain = {expert.removeprefix("released_").removesuffix("_miech") for expert in model.experts}
    assert plain == {SHORT[expert] for expert in their["mods"]}
    assert model.text == f"released_{their['text_feat']}"
    for expert, pool in model.pools.items():
        key = expert.removeprefix("released_").removesuffix("_miech")
        assert (pool.clusters, pool.max_tokens) == (their["vlad"][key], their["maxtok"][key])
    text = model.text_pool
    assert (text.clusters, text.ghost_clusters, text.max_tokens) == (
        their["vlad"]["text"], their["ghost"]["text"], their["maxtok"]["text"],
    )  # fmt: skip
    training = model.training
    assert (training.optimizer, training.learning_rate, training.weight_decay) == (
        "ranger", their["opt"]["args"]["lr"], their["opt"]["args"]["weight_decay"],
    )  # fmt: skip
    assert (training.margin, training.batch_size, training.epochs, training.gamma) == (
        their["margin"]["args"]["margin"], their["bs"], their["trainer"]["epochs"], their["sched"]["args"]["gamma"],
    )  # fmt: skip
    assert training.selection == ("last" if their["eval_mode"] == "fixed_num_epochs" else "validation")
    assert model.architecture.shared_dim == their["shared"]


@pytest.mark.parametrize("name", THEIRS)
def test_a_model_has_as_many_parameters_as_the_authors_published(name, tmp_path, monkeypatch):
    import torch

    from models.networks.ce import CE
    from tasks.plan.layout import Layout
    from tasks.plan.plan import Plan
    from tasks.plan.selection import Selection

    dataset = "lsmdc" if "lsmdc" in name else "msrvtt"
    plan = Plan(Selection(Layout(tmp_path, ROOT / "configs"), dataset, model=name))
    model, text = plan.selection.model, plan.selection.text
    with torch.device("meta"):
        network = CE(plan.expert_inputs(), model.text_input(text.encoder.dim), model.architecture)
    assert sum(one.numel() for one in network.parameters()) / 1e6 == pytest.approx(MILLIONS[name], abs=0.005)


@pytest.mark.parametrize(
    ("dataset", "model", "theirs"),
    [
        ("msrvtt", "CE", "msrvtt-train-full-ce"),
        ("msrvtt", "MoEE", "msrvtt-train-full-moee"),
        ("msrvtt", "CE - CG", "msrvtt-train-full-ce-ablation-dims"),
        ("msrvtt", "CE - MW,P,CG", "msrvtt-train-full-moee-minus-moee-weights"),
        *((name, "Concat", f"{name}-train-full-concat-ablation") for name in ("msrvtt", "lsmdc", "msvd", "didemo")),
        ("activitynet", "Concat", "activity-net-train-full-concat-ablation"),
    ],
)
def test_the_published_ablations_are_those_of_the_authors(dataset, model, theirs):
    expected = json.loads(reference_cases.find("published_results.json").read_text())["features_v2"][theirs]
    names = {"R@1": "R1", "R@5": "R5", "R@10": "R10", "R@50": "R50", "MdR": "MedR", "MnR": "MeanR"}
    listed = [one for one in published(ROOT / "configs" / "published.yaml") if "features v2" in one.origin]
    (found,) = [one for one in listed if (one.dataset, one.model) == (dataset, model)]
    for ours, way in ((found.t2v, "t2v"), (found.v2t, "v2t")):
        assert ours == {name: tuple(expected[way][short]) for name, short in names.items()}
