import json
import shutil

import luigi
import numpy as np
import pytest

from pipeline.errors import ConfigError
from tasks import EvaluateReleased
from tasks.plan.inventory import rescan
from tests.models import reference_cases
from tests.tasks.plan.test_import_archive import bring, home, sources  # noqa: F401 - home is a fixture

CHECKPOINT, CONFIG = map(reference_cases.find, ("released_format_ckpt.pth", "released_format_config.json"))


def evaluate(**changes):
    task = EvaluateReleased(dataset="msrvtt", checkpoint=str(CHECKPOINT), config=str(CONFIG), **changes)
    return task, luigi.build([task], local_scheduler=True, workers=1, no_lock=True)


@pytest.fixture
def imported(home):  # noqa: F811
    path = home / "configs" / "datasets" / "msrvtt.yaml"
    path.write_text(path.read_text() + "\nallow_partial: true\n")
    bring()
    sources("msrvtt")
    rescan("msrvtt")
    return home


def test_a_released_checkpoint_is_evaluated_on_an_imported_archive(imported):
    from models.evaluation.evaluate import similarities
    from models.evaluation.metrics import caption_ranks, summary
    from models.inputs.load import collect
    from models.released.load import load_released

    task, worked = evaluate()
    assert worked
    (path,) = imported.glob("data/store/released/msrvtt/ce_released_msrvtt/*/report.json")
    report = json.loads(path.read_text())
    assert report["model"] == "released_format_ckpt.pth (released)"
    assert (path.parent / "report.html").exists()
    # The original's model on the tensors of the original's loader: both are compared with ours elsewhere.
    expected = np.load(reference_cases.find("loader_digests.npz"))
    assert report["gallery"]["captions"] == int(expected["full-test/query_masks"].sum())
    model = load_released(CHECKPOINT, CONFIG)
    from models.stages import renamed

    data = collect(renamed(task.plan.sources(), model, task.expert_names("ce_released_msrvtt")), "test").collection
    found = summary(caption_ranks(similarities(model, data), data.caption_video))
    assert {name: row["mean"] for name, row in report["t2v"].items()} == found
    assert task.complete()


def test_the_file_is_part_of_what_the_report_is_named_by(imported, tmp_path):
    evaluate()
    other = tmp_path / CHECKPOINT.name
    shutil.copy(CHECKPOINT, other)
    assert EvaluateReleased(dataset="msrvtt", checkpoint=str(other), config=str(CONFIG)).complete(), "same bytes"
    renamed = other.rename(tmp_path / "other.pth")
    assert not EvaluateReleased(dataset="msrvtt", checkpoint=str(renamed), config=str(CONFIG)).complete(), (
        "the report says the name of the file"
    )
    renamed.rename(other)
    other.write_bytes(other.read_bytes() + b" ")
    assert not EvaluateReleased(dataset="msrvtt", checkpoint=str(other), config=str(CONFIG)).complete()


def test_files_that_are_not_there_or_not_of_a_model_are_told(imported, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    for config in (tmp_path / "config.json", tmp_path / "none.json"):
        task = EvaluateReleased(dataset="msrvtt", checkpoint=str(CHECKPOINT), config=str(config))
        with pytest.raises(ConfigError, match=r"no config\.json of a published model"):
            task.output()
    task = EvaluateReleased(dataset="msrvtt", checkpoint=str(tmp_path / "none.pth"), config=str(CONFIG))
    with pytest.raises(ConfigError, match="no such file"):
        task.output()


def test_trec_of_a_released_model_is_written_beside_its_report_and_says_the_same(imported):
    task, worked = evaluate(trec=True)
    assert worked
    assert task.complete()
    folder = task.output().require()
    report, kept = (json.loads((folder / name).read_text()) for name in ("report.json", "trec/measures.json"))
    for name in ("t2v", "v2t"):
        assert kept["measures"][name]["Success@5"]["mean"] == pytest.approx(report[name]["R@5"]["mean"] / 100, abs=1e-9)
    before = (folder / "report.json").stat().st_mtime_ns
    shutil.rmtree(folder / "trec")
    assert evaluate()[0].complete(), "the report is there"
    assert not task.complete()
    assert evaluate(trec=True)[1]
    assert (folder / "trec" / "t2v.seed_0.run").exists()
    assert (folder / "report.json").stat().st_mtime_ns == before
