import dataclasses

import luigi
import pytest

from pipeline.doctor.findings import Finding
from pipeline.weights.files import WeightOptions
from tasks.plan import diagnosis
from tasks.plan.layout import Layout
from tasks.plan.settings import Extraction


def faults(found):
    return [one.found for one in found if one.state == "fault"]


def test_a_project_in_order_has_no_faults(project):
    layout = Layout(project.data, project.configs)
    with project.process():
        found = [
            *diagnosis.settings(project.root / "luigi.cfg"),
            *diagnosis.configs(layout),
            *diagnosis.weights(layout),
        ]
    assert faults(found) == []
    told = {one.subject: one.found for one in found}
    assert told["configs"] == "1 datasets, 1 models, 2 experts, 1 text"
    assert told["weights"] == "here, or not needed: rgb_light, speech_light"


def test_each_config_that_cannot_be_used_is_named_with_the_reason(project):
    project.write_config("datasets", "broken", {"vidoes": "x"})
    project.write_config("experts", "nobody", {"extractor": "no_such_module", "modality": "rgb"})
    (project.configs / "models" / "torn.yaml").write_text("experts: [a\n")
    found = faults(diagnosis.configs(Layout(project.data, project.configs)))
    assert [one.partition(":")[0] for one in found] == [
        "datasets/broken.yaml",
        "models/torn.yaml",
        "experts/nobody.yaml",
    ]
    assert "did you mean 'videos'?" in found[0]


def test_experts_that_lack_weights_are_listed_with_what_they_need(project):
    project.copy_config("experts", "rgb")
    layout = Layout(project.data, project.configs, WeightOptions(project.data / "weights", offline=True))
    _, note = diagnosis.weights(layout)
    assert note.state == "note"
    assert note.found == "not here: rgb (461 MB to fetch)"
    assert "FetchWeights --networks experts/NAME" in note.advice
    assert "offline = true" in note.advice
    seeded = dataclasses.replace(layout, weights=WeightOptions(project.data / "weights", seeded=True))
    (stand_ins,) = diagnosis.weights(seeded)
    assert "mean nothing" in stand_ins.found


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[Paths]\ndta = x\n", "[Paths] has no option dta (did you mean 'data'?"),
        ("data = x\n", "cannot be read: MissingSectionHeaderError"),
        (b"[Paths]\ndata = \xff\xfe\n", "cannot be read: UnicodeDecodeError"),
    ],
)
def test_settings_that_say_nothing_are_faults(project, text, fault):
    path = project.root / "luigi.cfg"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with project.process():
        (found,) = faults(diagnosis.settings(path))
    assert found.startswith(fault)


def test_a_value_that_cannot_be_parsed_is_a_fault(project):
    path = project.root / "luigi.cfg"
    path.write_text("[Extraction]\nworkers = many\n")
    with project.process(workers="many"):
        found = faults(diagnosis.settings(path))
    assert found == ["[Extraction] workers: invalid literal for int() with base 10: 'many'"]


@pytest.mark.parametrize(
    ("named", "found", "state"),
    [
        ("auto", [], "ok"),
        ("cuda:0", [Finding("GPU", "ok", "none: all runs on the CPU")], "fault"),
        ("cuda:0", [Finding("GPU", "ok", "cuda:0, NVIDIA H100")], "ok"),
        ("cuda", [Finding("GPU", "fault", "cuda:0, NVIDIA H100 does not compute")], "fault"),
    ],
)
def test_a_gpu_that_the_settings_name_must_be_there(project, named, found, state):
    with project.process(device=named):
        assert Extraction().device == named
        (finding,) = diagnosis.device(found)
    assert finding.state == state


def test_nothing_in_a_finding_tells_where_the_project_lies(project, monkeypatch):
    monkeypatch.chdir(project.root)
    monkeypatch.setattr(
        diagnosis, "examine", lambda *rest: [Finding("store", "note", f"{project.data}/store/x is full")]
    )
    project.write_config("datasets", "broken", {"vidoes": "x"})
    with project.process():
        luigi.configuration.get_config().set("Paths", "data", str(project.data))
        found = diagnosis.findings("")
    assert [one.state for one in found][:1] == ["fault"]
    assert not any(str(project.root) in one.found + one.advice for one in found)
    assert any(one.found == "<data>/store/x is full" for one in found)
