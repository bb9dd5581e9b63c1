import json

import numpy as np
import pytest
import torch

from models.released import load
from pipeline.errors import ConfigError
from tests.models import reference_cases


def test_a_released_checkpoint_gives_the_scores_of_the_original():
    model = load.load_released(
        reference_cases.find("released_format_ckpt.pth"), reference_cases.find("released_format_config.json")
    )
    case = reference_cases.load("released_format_expected.npz")
    scores = model.similarity(*reference_cases.inputs(case, "eval"))
    np.testing.assert_allclose(scores, case.arrays["eval/out/sims"], rtol=0, atol=2e-6)
    tokens = json.loads(reference_cases.find("released_format_config.json").read_text())["data_loader"]["args"][
        "max_tokens"
    ]
    assert {e.name: e.max_tokens for e in model.experts if e.pool == "vlad"} == {"ocr": tokens["ocr"]}
    assert model.text_input.max_tokens == tokens["text"]


def test_what_old_checkpoints_carry_for_nothing_is_dropped():
    case = reference_cases.load("ce_all_available.npz")
    weights = case.part("sd")
    expected = load.build(reference_cases.config(case), weights).similarity(*reference_cases.inputs(case, "eval"))
    old = {f"module.{name}": value for name, value in weights.items()}
    old["module.ce.moe_fc_bottleneck1.weight"] = old["module.ce.moe_cg.fc.bias"] = old["module.ce.moe_fc.bias"]
    model = load.build(reference_cases.config(case), old)
    np.testing.assert_array_equal(model.similarity(*reference_cases.inputs(case, "eval")), expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"use_ce": "pairwise-star-tensor"}, "use_ce 'pairwise-star-tensor' is none of the designs"),
        ({"l2renorm": True}, "l2renorm"),
        ({"concat_experts": True}, "concat_experts with use_ce 'pairwise' contradict"),
        ({"use_ce": "", "concat_experts": True, "mimic_ce_dims": True}, "mimic_ce_dims and concat_experts"),
    ],
)
def test_an_ablation_that_we_do_not_have_is_refused(change, message):
    case = reference_cases.load("ce_all_available.npz")
    config = reference_cases.config(case)
    config["arch"]["args"] = config["arch"]["args"] | change
    with pytest.raises(ConfigError, match=message):
        load.build(config, case.part("sd"))


def test_every_tensor_of_the_official_models_has_a_name_of_ours():
    """state_dict_keys.txt lists the names and shapes of 11 official configs."""
    blocks = reference_cases.find("state_dict_keys.txt").read_text().split("##### ")[1:]
    assert len(blocks) == 11
    for block in blocks:
        shapes = dict(line.split("\t") for line in block.splitlines() if "\t" in line)
        theirs = {name: np.zeros(()) for name in shapes}
        gating = "sequential" if "ce.g_reason_1.weight" in shapes else "none"
        gating = gating if "ce.video_dim_reduce.0.fc.weight" in shapes else "moee"
        names = sorted({name.split("pooling.")[1].split(".clusters")[0] for name in shapes if ".clusters" in name})
        ours = load.renamed(theirs, names, gating)
        assert not [name for name in ours if name.startswith("ce.") or "batch_norm" in name or "pooling" in name]
        assert len(ours) == len(shapes)


@pytest.mark.parametrize("config", ["msrvtt", "lsmdc", "msvd", "didemo", "activity-net"])
def test_the_published_concatenating_models_can_be_built(config):
    """They have mixture weights too, of which their scores make no use; their sizes are those that were published."""
    their = json.loads(reference_cases.find("resolved_configs.json").read_text())[
        f"configs/{config}/train-full-concat-ablation.json"
    ]
    published = json.loads(reference_cases.find("published_results.json").read_text())["features_v2"]
    plain, weights = _concatenating(their)
    parameters = [value for name, value in weights.items() if not name.endswith(("_mean", "_var", "_tracked"))]
    assert sum(value.numel() for value in parameters) == published[f"{config}-train-full-concat-ablation"]["params"]
    model = load.build(plain, weights)
    assert model.settings.gating == "concat"
    there = sum(p.numel() for p in model.parameters())
    assert there == sum(value.numel() for value in parameters) - sum(
        weights[f"ce.moe_fc.{name}"].numel() for name in ("weight", "bias")
    )
    texts = model.embed_texts(torch.zeros(1, 2, model.text_input.dim))
    assert texts.vectors[0].shape[1] == model.text_input.dim * model.text_input.clusters


def test_a_released_mixture_of_concatenated_experts_can_be_built():
    names, dims = ["face", "i3d.i3d.0"], (512, 1024)
    weights = _pool("text_pooling", 300, 4, 0) | _linear("ce.moe_fc", 1200, 2)
    for side, size in (("video", sum(dims)), ("text", 1200)):
        weights |= _linear(f"ce.{side}_GU.0.fc", size, sum(dims)) | _linear(
            f"ce.{side}_GU.0.cg.fc", sum(dims), sum(dims)
        )
        weights |= _norm(f"ce.{side}_GU.0.cg.batch_norm", sum(dims))
    model = load.build(_plain(names, {"use_ce": "", "concat_mix_experts": True}, {"text": 9}), weights)
    assert (model.settings.gating, [expert.dim for expert in model.experts]) == ("concat_mix", list(dims))
    torch.testing.assert_close(model.video.unit.gate.fc.weight, weights["ce.video_GU.0.cg.fc.weight"])


@pytest.mark.parametrize(
    ("plain", "given", "loaded"),
    [
        ({"i3d.i3d.0": 1024, "face": 512}, {}, {"i3d.i3d.0": 1024, "face": 512}),  # as in the table
        ({"i3d.i3d.0": 24}, {}, {"i3d.i3d.0": 24}),  # what the weights leave for one
        ({"i3d.i3d.0": 24, "face": 20}, {"i3d.i3d.0": 24, "face": 20}, {"i3d.i3d.0": 24, "face": 20}),
        ({"i3d.i3d.0": 24, "face": 21}, {}, {"face": 23, "i3d.i3d.0": 22}),  # only their sum is known
    ],
)
def test_a_mixture_of_concatenated_experts_has_the_sizes_of_its_weights(plain, given, loaded):
    names, pooled, total = sorted([*plain, "ocr"]), 5 * 3, sum(plain.values())
    weights = _pool("text_pooling", 7, 4, 0) | _pool("pooling.ocr", 5, 3, 0)
    for side, size in (("video", total + pooled), ("text", 28)):
        weights |= _linear(f"ce.{side}_GU.0.fc", size, total + 5) | _linear(
            f"ce.{side}_GU.0.cg.fc", total + 5, total + 5
        )
        weights |= _norm(f"ce.{side}_GU.0.cg.batch_norm", total + 5)
    config = _plain(names, {"use_ce": "", "concat_mix_experts": True}, {"text": 9, "ocr": 4})
    model = load.build(config, weights, given)
    assert {expert.name: expert.dim for expert in model.experts} == loaded | {"ocr": 5}
    experts = {name: torch.randn(3, size) for name, size in plain.items()} | {"ocr": torch.randn(3, 4, 5)}
    there = dict.fromkeys(names, torch.ones(3))
    together = torch.cat([model.pools[names.index(n)](experts[n]) if n == "ocr" else experts[n] for n in names], 1)
    h = together @ weights["ce.video_GU.0.fc.weight"].T + weights["ce.video_GU.0.fc.bias"]
    gate = h @ weights["ce.video_GU.0.cg.fc.weight"].T + weights["ce.video_GU.0.cg.fc.bias"]
    gate = (gate - 1) / (1 + 1e-5) ** 0.5 + 1  # all constants of the normalisation are ones
    expected = torch.nn.functional.normalize(h * gate.sigmoid(), dim=1)
    torch.testing.assert_close(model.embed_videos(experts, there).vectors[0], expected, rtol=1e-3, atol=1e-4)


def test_features_that_do_not_fit_a_mixture_of_concatenated_experts_are_told():
    weights = _pool("text_pooling", 7, 4, 0) | _linear("ce.video_GU.0.fc", 30, 30)
    config = _plain(["face", "flow"], {"use_ce": "", "concat_mix_experts": True}, {"text": 9})
    with pytest.raises(
        ConfigError, match="take 30 numbers of the experts that are not pooled, which have: face 512, flow 8"
    ):
        load.build(config, weights, {"face": 512, "flow": 8})


@pytest.mark.parametrize("clusters", [2, 9])
def test_concatenated_experts_may_have_any_size_since_no_weights_show_it(clusters):
    """Neither the table's nor the text's: the product pads the shorter side with zeros."""
    weights = _pool("text_pooling", 7, clusters, 1) | _pool("pooling.audio", 4, 3, 0)
    names, there = ["audio", "face", "i3d.i3d.0"], torch.ones(3)
    model = load.build(_plain(names, {"use_ce": "", "concat_experts": True}, {"text": 9, "audio": 2}), weights)
    experts = {"audio": torch.randn(3, 2, 4), "face": torch.randn(3, 5), "i3d.i3d.0": torch.randn(3, 6)}
    text = torch.randn(3, 1, 4, 7)
    left = model.text_pool(text[:, 0])
    right = torch.cat([model.pools[0](experts["audio"]), experts["face"], experts["i3d.i3d.0"]], 1)
    length = max(left.shape[1], right.shape[1])
    left, right = (torch.nn.functional.pad(one, (0, length - one.shape[1])) for one in (left, right))
    found = model.similarity(experts, dict.fromkeys(names, there), text)
    torch.testing.assert_close(found, left @ right.T, rtol=0, atol=1e-5)


def test_the_plain_sum_of_a_model_that_keeps_missing_experts_is_loaded():
    """ce-pairwise weights under keep_missing_modalities: each expert's product counts once, there or not."""
    case = reference_cases.load("ce_pairwise_7exp.npz")
    config = reference_cases.config(case)
    config["arch"]["args"] = config["arch"]["args"] | {"keep_missing_modalities": True}
    model = load.build(config, case.part("sd"))
    names = [expert.name for expert in model.experts]
    experts, available, text = reference_cases.inputs(case, "eval")
    assert not all(there.all() for there in available.values())
    of_texts = (case.arrays[f"eval/out/text_embd/{name}"].reshape(-1, model.settings.shared_dim) for name in names)
    of_videos = (case.arrays[f"eval/out/vid_embd/{name}"] for name in names)
    expected = sum(one @ other.T for one, other in zip(of_texts, of_videos, strict=True))
    np.testing.assert_allclose(model.similarity(experts, available, text), expected, rtol=0, atol=2e-6)


def test_frozen_weights_on_sentence_vectors_leave_no_layer_for_a_mixture():
    case = reference_cases.load("ce_all_available.npz")
    config = reference_cases.config(case)
    config["arch"]["args"] = config["arch"]["args"] | {"freeze_weights": True}
    weights = {k: v for k, v in case.part("sd").items() if not k.startswith(("text_pooling.", "ce.moe_fc."))}
    model = load.build(config, weights)
    assert model.text_input.dim == weights["ce.text_GU.0.fc.weight"].shape[1]


def test_an_expert_of_unknown_size_cannot_be_concatenated():
    weights = _pool("text_pooling", 300, 4, 0)
    with pytest.raises(ConfigError, match=r"experts\.modalities: smell has no known dimension"):
        load.build(_plain(["smell"], {"use_ce": "", "concat_experts": True}, {"text": 9}), weights)


@pytest.mark.parametrize(("design", "gating", "places"), [("triplet", "triplet", 3), ("pairwise-star", "star", 2)])
def test_the_other_collaborative_designs_can_be_built(design, gating, places):
    """None was released; their tensors have the names of the released design."""
    case = reference_cases.load("ce_all_available.npz")
    config, weights = reference_cases.config(case), case.part("sd")
    config["arch"]["args"] = config["arch"]["args"] | {"use_ce": design}
    dim = len(weights["ce.g_reason_1.weight"])
    weights["ce.g_reason_1.weight"] = torch.randn(dim, places * dim)
    model = load.build(config, weights)
    assert model.settings.gating == gating
    assert model.similarity(*reference_cases.inputs(case, "eval")).isfinite().all()


def test_frozen_mixture_weights_are_there_for_nothing():
    case = reference_cases.load("ce_all_available.npz")
    config = reference_cases.config(case)
    config["arch"]["args"] = config["arch"]["args"] | {"freeze_weights": True}
    model = load.build(config, case.part("sd"))
    experts, available, text = reference_cases.inputs(case, "eval")
    texts, videos = model.embed_texts(text.flatten(0, 1)), model.embed_videos(experts, available)
    pairs = zip(texts.vectors, videos.vectors, strict=True)
    mean = torch.stack([one @ other.T for one, other in pairs]).mean(0)
    torch.testing.assert_close(model.similarity(experts, available, text), mean, rtol=0, atol=1e-6)


def test_a_model_on_sentence_vectors_has_no_pooling_of_text():
    case = reference_cases.load("ce_all_available.npz")
    config = reference_cases.config(case)
    config["data_loader"]["args"]["max_tokens"]["text"] = 1
    weights = {name: value for name, value in case.part("sd").items() if not name.startswith("text_pooling.")}
    model = load.build(config, weights)
    dim = weights["ce.moe_fc.weight"].shape[1]
    assert (model.text_input.dim, model.text_input.clusters) == (dim, 0)
    pooled = torch.from_numpy(case.arrays["eval/out/pooled_text"])
    experts, available, _ = reference_cases.inputs(case, "eval")
    captions = len(pooled) // len(next(iter(available.values())))
    scores = model.similarity(experts, available, pooled.view(-1, captions, 1, dim))
    np.testing.assert_allclose(scores, case.arrays["eval/out/sims"], rtol=0, atol=2e-6)


def _concatenating(their):
    """A config.json as the authors' trainer writes it, and random weights of the shapes that it asks for."""
    names = sorted(their["mods"])
    dims = {"audio": 128, "ocr": 300, "speech": 300}
    weights = _pool(
        "text_pooling", {"openai": 768, "w2v": 300}[their["text_feat"]], their["vlad"]["text"], their["ghost"]["text"]
    )
    for name in set(names) & set(dims):
        weights |= _pool(f"pooling.{name}", dims[name], their["vlad"][name], 0)
    text_dim = {"openai": 768, "w2v": 300}[their["text_feat"]] * their["vlad"]["text"]
    weights |= _linear("ce.moe_fc", text_dim, len(names))
    args = {"use_ce": their["use_ce"], "mimic_ce_dims": their["mimic"], **their["extra"]}
    return _plain(names, args, their["maxtok"], their["face_dim"]), weights


def _plain(names, args, max_tokens, face_dim=512):
    return {
        "experts": {"modalities": names, "ce_shared_dim": 768, "face_dim": face_dim},
        "arch": {"type": "CENet", "args": {"use_mish": 1, "num_g_layers": 3, "include_self": 1, **args}},
        "data_loader": {"args": {"max_tokens": max_tokens}},
    }


def _pool(name, dim, clusters, ghosts):
    centres = {
        f"{name}.clusters": torch.randn(dim, clusters + ghosts),
        f"{name}.clusters2": torch.randn(1, dim, clusters),
    }
    return centres | _norm(f"{name}.batch_norm", clusters + ghosts)


def _norm(name, dim):
    values = {part: torch.ones(dim) for part in ("weight", "bias", "running_mean", "running_var")}
    return {f"{name}.{part}": value for part, value in values.items()} | {
        f"{name}.num_batches_tracked": torch.tensor(3)
    }


def _linear(name, dim_in, dim_out):
    return {f"{name}.weight": torch.randn(dim_out, dim_in), f"{name}.bias": torch.randn(dim_out)}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"arch": 3}', "[" * 100_000])
def test_a_config_that_is_none_of_the_checkpoint_is_one_line(tmp_path, text):
    (tmp_path / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"no config\.json of the model in released_format_ckpt\.pth") as caught:
        load.load_released(reference_cases.find("released_format_ckpt.pth"), tmp_path / "config.json")
    assert "\n" not in str(caught.value)
