"""The figures in these tests are made up."""

import json

import pytest

from benchmarks.gpu.keep import keep
from benchmarks.gpu.table import NOTHING, number, page, readme

WAITS = {"waiting_for_decoding": 0.4, "waiting_for_networks": 0.25, "networks_idle": 0.35}
PASS = {"times_real_time": 321.0, "start_s": 2.5, "waits": WAITS, "gpu_mb": 2100.0, "wall_s": 4.0, "video_s": 480.0}
EXPERT = {
    "item": "frame",
    "alone": {"items_per_s": 1234.5, "gpu_mb": 1900.0, "shares": {"kernels": 0.91, "copies": 0.02}},
    "pass": PASS | {"kernels": 0.834},
}


def step(figures, status="done", **left_out):
    return {"status": status, "took_s": 12.3, "figures": figures, "left_out": left_out}


def run(gpu="NVIDIA H200", date="2026-12-01", **steps):
    facts = {"gpu": gpu, "date": date, "torch": "2.11.0", "cores": 16}
    return {"machine": facts, "small": False, "steps": steps}


def test_an_expert_has_a_row_with_what_it_does_alone_and_in_a_pass():
    lines = page(run(experts=step({"rgb": EXPERT}, ocr="the package easyocr is missing")))
    assert lines[0] == "# NVIDIA H200, 2026-12-01"
    assert "| rgb | frame | 1,234 | 91%, 2% | 321 | 83% | 2.5 | 40%, 25%, 35% | 2,100 |" in lines
    assert "- left out: ocr: the package easyocr is missing" in lines


def test_a_pass_of_all_has_no_figures_of_one_alone():
    lines = page(run(fused=step({"all in one pass": PASS | {"experts": ["rgb", "flow"]}})))
    assert "| all in one pass |  |  |  | 321 |  | 2.5 | 40%, 25%, 35% | 2,100 |" in lines


def test_a_step_that_did_not_end_is_named_with_the_reason():
    lines = page(run(training=step({}, "out of time after 80 s; it said nothing")))
    assert "## Training and metrics: out of time after 80 s; it said nothing, 12 s" in lines


def test_training_and_metrics_are_told_apart():
    row = {"parameters_million": 183.45, "steps_per_s": 40.0, "epoch_s": 2.5, "gpu_mb": 5000.0}
    lines = page(run(training=step({"bf16, batch 64": row, "metrics, t2v": {"cpu_s": 0.33}})))
    assert "| bf16, batch 64 | 183 | 40 | 2.5 | 5,000 |" in lines
    assert "- metrics, t2v: cpu s 0.33" in lines


@pytest.mark.parametrize(
    ("value", "said"), [(None, ""), (0.0, "0"), (0.01234, "0.0123"), (1234.6, "1,235"), (59800, "59,800"), ("a", "a")]
)
def test_a_number_is_as_short_as_it_is_true(value, said):
    assert number(value) == said


def test_without_figures_the_readme_says_that_nothing_has_run(tmp_path):
    assert readme(tmp_path / "gpu.json") == NOTHING


def test_the_readme_has_the_tables_of_every_gpu_and_what_was_not_measured(tmp_path):
    kept = tmp_path / "gpu.json"
    keep({"NVIDIA H200": run(experts=step({"rgb": EXPERT}), search=step({}, "not run: 3 s were left"))}, kept)
    keep({"NVIDIA H100": run("NVIDIA H100", experts=step({"rgb": EXPERT}, ocr="missing"))}, kept)
    told = readme(kept)
    assert told.count("| rgb | frame |") == 2
    assert "NVIDIA H100, 2026-12-01; torch 2.11.0, cores 16." in told
    assert "Not measured: Exact search (not run: 3 s were left)." in told
    assert "Not measured: ocr (missing)." in told


def test_a_later_run_replaces_what_it_measured_and_leaves_the_rest(tmp_path):
    kept = tmp_path / "gpu.json"
    keep({"NVIDIA H200": run(experts=step({"rgb": EXPERT}), fused=step({"all in one pass": PASS}))}, kept)
    keep({"NVIDIA H200": run(date="2027-01-01", experts=step({"flow": EXPERT}), fused=step({}, "failed"))}, kept)
    (told,) = json.loads(kept.read_text()).values()
    assert told["machine"]["date"] == "2027-01-01"
    assert list(told["steps"]["experts"]["figures"]) == ["flow"]
    assert told["steps"]["fused"]["figures"] == {"all in one pass": PASS}


@pytest.mark.parametrize("changes", [{"small": True}, {"machine": {"gpu": "none"}}])
def test_a_run_without_a_gpu_is_not_kept(tmp_path, changes):
    with pytest.raises(SystemExit, match="it says nothing of a GPU"):
        keep({"none": run() | changes}, tmp_path / "gpu.json")
    assert not (tmp_path / "gpu.json").exists()
