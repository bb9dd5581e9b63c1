import luigi

from pipeline.datasets import fetch_annotations
from tasks import FetchAnnotations, ImportExperts
from tasks.known_datasets import _download_bar
from tasks.plan.inventory import scan_digests
from tests.tasks.plan.test_import_archive import ARCHIVE, LAYOUT, OURS, home, plan_of  # noqa: F401 - home is a fixture


def build(task):
    return luigi.build([task], local_scheduler=True, workers=1, no_lock=True)


def test_annotations_of_a_known_dataset_are_fetched_and_its_folder_is_scanned_again(home, monkeypatch):  # noqa: F811
    fetched = []
    monkeypatch.setattr(fetch_annotations, "obtain", lambda settings, bar, tell: fetched.append(settings.parts))
    scan_digests["msrvtt", False] = "an old scan"
    assert build(FetchAnnotations(dataset="msrvtt"))
    assert fetched == [plan_of().selection.settings.parts]
    assert ("msrvtt", False) not in scan_digests


def test_a_dataset_of_ones_own_has_no_annotations_to_fetch(project):
    code, _, errors = project.run_command("FetchAnnotations", "--dataset", "tiny")
    assert code
    assert errors.count("\n") == 1
    assert "tiny.yaml names no parts that could be fetched" in errors


def test_an_import_prints_a_row_for_each_expert_and_the_next_command(home, capsys):  # noqa: F811
    assert build(ImportExperts(dataset="msrvtt", archive=str(ARCHIVE)))
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    rows = {line[0]: line[1:] for line in lines if line and line[0].startswith("released_")}
    assert rows.keys() == {*OURS.values(), "released_openai"}
    assert rows["released_face"] == ["facefeats-avg.pickle", "7", "3", "0"]
    assert lines[-1][-4:] == ["--dataset", "msrvtt", "--model", "ce_released_msrvtt"]
    assert LAYOUT.features(plan_of().selection.expert("released_face")).is_dir()


def test_a_dataset_without_released_features_has_nothing_to_import(project):
    code, _, errors = project.run_command("ImportExperts", "--dataset", "tiny")
    assert code
    assert "tiny.yaml names no released features; there is nothing to import" in errors


def test_a_download_is_shown_in_mib(capsys):
    with _download_bar("Fetching the archive") as progress:
        progress(3 << 20, 5 << 20)
    assert "3 of 5 MiB (" in capsys.readouterr().err


def test_a_download_below_one_mib_has_a_bar_of_one(capsys):
    with _download_bar("Fetching the archive") as progress:
        progress(10, 1000)
    assert "0 of 1 MiB (" in capsys.readouterr().err
