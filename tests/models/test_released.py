import json

import numpy as np
import pytest

from models import released
from pipeline.errors import ConfigError
from tests.models import cases


def test_a_released_checkpoint_gives_the_scores_of_the_original():
    model = released.load_released(cases.find("released_format_ckpt.pth"), cases.find("released_format_config.json"))
    case = cases.load("released_format_expected.npz")
    scores = model.similarity(*cases.inputs(case, "eval"))
    np.testing.assert_allclose(scores, case.arrays["eval/out/sims"], rtol=0, atol=2e-6)
    tokens = json.loads(cases.find("released_format_config.json").read_text())["data_loader"]["args"]["max_tokens"]
    assert {e.name: e.max_tokens for e in model.experts if e.pool == "vlad"} == {"ocr": tokens["ocr"]}
    assert model.text_input.max_tokens == tokens["text"]


def test_what_old_checkpoints_carry_for_nothing_is_dropped():
    case = cases.load("ce_all_available.npz")
    weights = case.part("sd")
    expected = released.build(cases.config(case), weights).similarity(*cases.inputs(case, "eval"))
    old = {f"module.{name}": value for name, value in weights.items()}
    old["module.ce.moe_fc_bottleneck1.weight"] = old["module.ce.moe_cg.fc.bias"] = old["module.ce.moe_fc.bias"]
    model = released.build(cases.config(case), old)
    np.testing.assert_array_equal(model.similarity(*cases.inputs(case, "eval")), expected)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"use_ce": "triplet"}, "use_ce 'triplet' is none of the published designs"),
        ({"keep_missing_modalities": True}, "keep_missing_modalities"),
        ({"concat_experts": True}, "concat_experts"),
    ],
)
def test_an_ablation_that_we_do_not_have_is_refused(change, told):
    case = cases.load("ce_all_available.npz")
    config = cases.config(case)
    config["arch"]["args"] = config["arch"]["args"] | change
    with pytest.raises(ConfigError, match=told):
        released.build(config, case.part("sd"))


def test_every_tensor_of_the_official_models_has_a_name_of_ours():
    """state_dict_keys.txt lists the names and shapes of 11 official configs."""
    blocks = cases.find("state_dict_keys.txt").read_text().split("##### ")[1:]
    assert len(blocks) == 11
    for block in blocks:
        shapes = dict(line.split("\t") for line in block.splitlines() if "\t" in line)
        theirs = {name: np.zeros(()) for name in shapes}
        gating = "sequential" if "ce.g_reason_1.weight" in shapes else "none"
        gating = gating if "ce.video_dim_reduce.0.fc.weight" in shapes else "moee"
        names = sorted({name.split("pooling.")[1].split(".clusters")[0] for name in shapes if ".clusters" in name})
        ours = released.renamed(theirs, names, gating)
        assert not [name for name in ours if name.startswith("ce.") or "batch_norm" in name or "pooling" in name]
        assert len(ours) == len(shapes)
