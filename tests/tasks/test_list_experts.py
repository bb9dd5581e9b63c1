import luigi
import pytest
import yaml

from pipeline import config
from tasks import ListExperts, list_experts
from tests.tasks.project import CONFIGS


@pytest.fixture
def listed(project, monkeypatch):
    """The table, as expert -> column -> cell."""
    tables = []
    monkeypatch.setattr(list_experts, "print_table", lambda title, columns, rows, left: tables.append((columns, rows)))

    def run():
        tables.clear()
        with project.process():
            assert luigi.build([ListExperts()], local_scheduler=True, workers=1, no_lock=True)
        ((columns, rows),) = tables
        assert all(len(row) == len(columns) for row in rows)
        return {row[0]: dict(zip(columns, row, strict=True)) for row in rows}

    return run


@pytest.mark.slow
def test_every_expert_that_is_extracted_is_listed(project, listed):
    names = config.names(CONFIGS / "experts")
    for name in names:
        project.copy_config("experts", name)
    imported = {
        name for name in names
        if yaml.safe_load((CONFIGS / "experts" / f"{name}.yaml").read_text(encoding="utf-8"))["extractor"] == "imported"
    }  # fmt: skip
    rows = listed()
    assert rows.keys() == set(names) - imported
    assert len(imported) > 5
    assert all(int(row["dimension"]) > 0 for row in rows.values())
    assert not any("error" in row["weights"].lower() for row in rows.values())
    assert rows["captions_server"]["weights"] == "on a server"


def test_a_row_tells_network_modality_dimension_and_what_the_weights_need(project, listed):
    for name in ("rgb", "face_light"):
        project.copy_config("experts", name)
    rows = listed()
    light, face, large = rows["rgb_light"], rows["face_light"], rows["rgb"]
    assert (light["modality"], light["dimension"], light["weights"]) == ("rgb", "399", "needs none")
    assert (face["modality"], face["dimension"], face["weights"]) == ("face", "532", "inside its package")
    assert (light["labels"], face["labels"], large["labels"]) == ("", "", "20 of imagenet1k")
    assert (large["modality"], large["dimension"], large["weights"]) == ("rgb", "2048", "0 of 1 here")
    assert "senet154" in large["network"]
    assert large["licence"]


def test_weights_that_are_here_are_said_to_be_and_stand_ins_hide_nothing(project, listed, monkeypatch):
    project.copy_config("experts", "rgb")
    before = listed()["rgb"]
    luigi.configuration.get_config().set("Weights", "seeded", "true")
    try:
        assert listed()["rgb"] == before, "as if it ran on its real weights"
    finally:
        luigi.configuration.get_config().remove_option("Weights", "seeded")
    monkeypatch.setattr("pipeline.weights.cache.missing", lambda files, options: [])
    assert listed()["rgb"]["weights"] == "here"


def test_weights_without_a_checksum_are_said_to_be(project, listed):
    project.copy_config("experts", "clip")
    assert listed()["clip"]["weights"] == "0 of 1 here; no checksum: network"
    project.copy_config("experts", "omni_qwen")
    assert listed()["omni_qwen"]["weights"] == "0 of 7 here; no checksum of 7", "many are counted, not named"


@pytest.mark.slow
def test_an_expert_whose_weights_nobody_knows_says_so_in_its_row(project, listed):
    project.copy_config("experts", "rgb")
    project.edit("experts", "rgb", weights="released", params__network="torchvision/nobody_knows.X")
    row = listed()["rgb"]
    assert "nobody_knows" in row["weights"]
    assert row["MB"] == ""
