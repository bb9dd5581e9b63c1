import json

import pytest

from extractors.extraction.gpu_rates import ALL, costs, measured_gpus, read_rates
from pipeline.errors import ConfigError


def run(fused=("rgb", "audio"), **rates):
    """As benchmarks/on_gpu.sh writes one; the numbers are made up."""
    figures = {name: {"pass": {"times_real_time": rate}} for name, rate in rates.items()}
    together = {"figures": {ALL: {"times_real_time": 50.0, "experts": list(fused)}}}
    return {
        "machine": {"date": "2026-12-01", "cores": 16},
        "steps": {"experts": {"figures": figures}, "fused": together},
    }


@pytest.fixture
def measured(tmp_path):
    path = tmp_path / "gpu.json"
    path.write_text(json.dumps({"NVIDIA H200": run(rgb=100.0, audio=400.0), "NVIDIA H100 80GB HBM3": run(rgb=80.0)}))
    return path


def test_a_gpu_is_found_by_a_part_of_its_name(measured):
    rates = read_rates(measured, "h200")
    assert (rates.gpu, rates.date, rates.cores) == ("NVIDIA H200", "2026-12-01", 16)
    assert read_rates(measured, "80gb").alone == {"rgb": 80.0}
    assert measured_gpus(measured) == ["NVIDIA H200", "NVIDIA H100 80GB HBM3"]


def test_without_figures_there_are_no_rates(measured, tmp_path):
    assert read_rates(measured, "a100") is None
    assert read_rates(tmp_path / "none.json", "h200") is None
    assert measured_gpus(tmp_path / "none.json") == []


def test_a_name_that_fits_two_is_refused(measured):
    with pytest.raises(ConfigError, match=r"'H' is part of NVIDIA H200, NVIDIA H100 80GB HBM3; type more"):
        read_rates(measured, "H")


def test_hours_are_those_of_the_videos_over_the_rate(measured):
    told = costs(read_rates(measured, "h200"), ["rgb", "audio"], 41.2)
    assert {cost.name: cost.hours for cost in told} == pytest.approx({"rgb": 0.412, "audio": 0.103, ALL: 0.824})


def test_what_was_not_measured_has_no_hours_and_the_pass_says_who_was_in_it(measured):
    told = costs(read_rates(measured, "h200"), ["ocr", "rgb", "audio"], 10.0)
    assert (told[0].name, told[0].hours) == ("ocr", None)
    assert told[-1].name == "audio, rgb in one pass"
    assert [cost.name for cost in costs(read_rates(measured, "h200"), ["rgb"], 10.0)] == ["rgb"]


@pytest.mark.parametrize(
    "text", ["not json", "[1]", '{"NVIDIA H200": {}}', '{"NVIDIA H200": {"machine": 3, "steps": {}}}']
)
def test_another_file_is_refused_by_name(tmp_path, text):
    (tmp_path / "gpu.json").write_text(text)
    with pytest.raises(ConfigError, match=r"gpu\.json: not written by benchmarks/on_gpu\.sh"):
        read_rates(tmp_path / "gpu.json", "h200")
