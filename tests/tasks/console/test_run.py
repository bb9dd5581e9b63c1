"""Commands in processes of their own: what they print, and the log that they keep."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.tasks.project import CONFIGS
from tests.tasks.rerun.test_disks import read_only, small_files_only, without_overrides


def logs(project):
    return sorted((project.data / "store" / "logs").glob("*.log"))


def said(path):
    """The lines of a log without the times."""
    return [line[9:] if line[2:3] == ":" else line for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def injected(tmp_path):
    """Environment in which this code runs when the module is imported in the command."""

    def environment(module, code):
        (tmp_path / "sitecustomize.py").write_text(
            "import builtins, sys\nreal, done = builtins.__import__, []\n"
            "def watched(name, *rest, **more):\n"
            "    made = real(name, *rest, **more)\n"
            f"    module = sys.modules.get({module!r})\n"
            "    if not done and module is not None and getattr(module, '__spec__', None) is not None \\\n"
            "            and not module.__spec__._initializing:\n"
            "        done.append(1)\n"
            f"        exec({code!r}, vars(module))\n"
            "    return made\n"
            "builtins.__import__ = watched\n"
        )
        return {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(CONFIGS.parent)])}

    return environment


BUG = "def evaluate_seeds(*rest): raise KeyError('nobody foresaw')"


def test_a_run_that_does_something_keeps_a_log_of_what_it_printed(project):
    shutil.rmtree(project.data / "store" / "reports")
    code, output, errors = project.run_command("EvaluateCE", "--dataset", "tiny")
    assert (code, errors.count("ERROR")) == (0, 0)
    (path,) = logs(project)
    lines = said(path)
    assert lines[0].startswith("expert-retrieval ")
    assert lines[1] == "Command: luigi --module tasks EvaluateCE --dataset tiny"
    assert [line for line in output.splitlines() if line.rstrip() and line.rstrip() not in lines] == []
    assert lines[-2] == "Luigi says: SUCCESS"
    assert lines[-1].startswith("Ended after ")
    assert "\x1b" not in path.read_text(encoding="utf-8")
    assert sum("Taking stills" in line for line in lines) == 1, "progress at a low rate"


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["EvaluateCE", "--dataset", "tiny"], 0),
        (["Status", "--dataset", "tiny"], 0),
        (["ListExperts"], 0),
        (["EvaluateCE", "--help"], 0),
        (["CollectGarbage"], 0),
        (["EvaluateCE", "--dataset", "tinny"], 2),
    ],
)
def test_what_changes_nothing_keeps_no_log(project, words, status):
    assert project.run_command(*words)[0] == status
    assert not (project.data / "store" / "logs").exists()


def test_logs_are_no_garbage(project, capsys):
    from tests.tasks.project import collect_garbage

    folder = project.data / "store" / "logs"
    folder.mkdir()
    (folder / "2026-01-01_00-00-00_TrainCE_1.log").touch()
    output, _ = collect_garbage(project, capsys, delete=True)
    assert output == "0 deleted\n"
    assert len(logs(project)) == 1


def test_a_bug_is_one_line_that_names_the_log_with_its_traceback(project, injected):
    shutil.rmtree(project.data / "store" / "reports")
    code, _, errors = project.run_command("EvaluateCE", "--dataset", "tiny", env=injected("models.stages", BUG))
    assert code == 30
    (line,) = [line for line in errors.splitlines() if line.startswith("ERROR")]
    assert "Traceback" not in errors
    (path,) = logs(project)
    assert "KeyError: 'nobody foresaw' (a bug, or what nobody foresaw: the traceback is in " in line
    assert str(path) in line
    text = path.read_text(encoding="utf-8")
    assert "Traceback (most recent call last)" in text
    assert "in evaluate_seeds" in text


@pytest.mark.slow
def test_where_no_log_can_be_kept_a_bug_keeps_its_traceback_at_the_terminal(project, injected):
    shutil.rmtree(project.data / "store" / "reports")
    (project.data / "store" / "logs").write_text("a file in its place")
    code, _, errors = project.run_command("EvaluateCE", "--dataset", "tiny", env=injected("models.stages", BUG))
    assert code == 30
    assert "Traceback (most recent call last)" in errors
    assert "KeyError: 'nobody foresaw'" in errors


@pytest.mark.slow
def test_a_store_that_cannot_be_written_is_told_in_one_line_as_ever(project):
    shutil.rmtree(project.data / "store" / "reports")
    with read_only(project.data / "store"):
        code, _, errors = project.run_command("EvaluateCE", "--dataset", "tiny", preexec_fn=without_overrides)
    assert code == 30
    assert "Permission denied" in errors
    assert "Traceback" not in errors
    assert logs(project) == []


def test_a_log_that_may_not_grow_disturbs_nothing(project):
    (project.data / "store" / "logs").mkdir()
    code, _, errors = project.run_command(
        "ForgetFailures", "--dataset", "tiny", preexec_fn=small_files_only, env={"EXPERT_RETRIEVAL": "x" * 5000}
    )
    assert (code, errors) == (0, "")


@pytest.mark.slow
def test_quiet_prints_the_result_alone_and_the_log_has_all_of_it(project):
    shutil.rmtree(project.data / "store" / "reports")
    code, output, errors = project.run_command("EvaluateCE", "--dataset", "tiny", "--quiet")
    assert (code, errors) == (0, "")
    first, *_, report, rankings = output.splitlines()
    assert first.startswith("tiny, test split: ")
    assert report.startswith("Report: ")
    assert rankings.startswith("Rankings: ")
    assert "Note: " not in output
    text = logs(project)[0].read_text(encoding="utf-8")
    for hidden in ("Taking stills", "Note: Fewer than three seeds", "Search: luigi --module tasks Search"):
        assert hidden in text


def test_quiet_leaves_mistakes_and_errors_to_be_seen(project, injected):
    code, output, errors = project.run_command("EvaluateCE", "--dataset", "tinny", "--quiet")
    assert (code, output) == (2, "")
    assert errors.startswith("ERROR: no tinny.yaml")
    code, output, errors = project.run_command("EvaluateCE", "--dataset", "tiny", "--quiet")
    assert (code, errors) == (0, "")
    assert output.startswith("tiny, test split")


def test_status_as_json_has_the_facts_of_the_table(project):
    project.edit("experts", "rgb_light", params__fps=3.0)
    code, output, errors = project.run_command("Status", "--dataset", "tiny", "--json")
    assert (code, errors) == (0, "")
    told = json.loads(output)
    assert output.count("\n") == 1
    assert told.keys() == {"dataset", "model", "split", "stages"}
    assert (told["dataset"], told["model"], told["split"]) == ("tiny", "tiny", "test")
    stages = {stage["stage"]: stage for stage in told["stages"]}
    assert stages["ExtractExpert rgb_light"] == {
        "stage": "ExtractExpert rgb_light",
        "fresh": False,
        "why": "all 14 videos: params.fps: 2.0 -> 3.0",
    }
    assert stages["BuildManifest"]["fresh"] is True


@pytest.mark.slow
def test_a_search_as_json_is_one_document_whatever_is_built_on_the_way(project, injected):
    noise = "import os; print('a library'); os.write(1, b'and its C code\\n')"
    environment = injected("search.building.build", noise)
    code, output, errors = project.run_command(
        "Search", "--dataset", "tiny", "--query", "a red square", "--json", env=environment
    )
    assert code == 0
    told = json.loads(output)
    counts = {"offset", "num_found", "num_ranked", "is_counted", "engine_weights", "is_by_query"}
    assert told.keys() == {"dataset", "query", "hits", "reason", "notes"} | counts
    assert "a library" in errors
    assert "and its C code" in errors
    assert told["query"] == "a red square"
    for rank, hit in enumerate(told["hits"], 1):
        assert hit["rank"] == rank
        assert Path(hit["path"]).samefile(project.videos / hit["video_id"])
        assert {"similarity", "best_s", "duration_s", "found_by", "shares", "words", "seen", "captions"} <= hit.keys()


def test_experts_as_json_and_errors_that_stay_one_line(project):
    code, output, errors = project.run_command("ListExperts", "--json")
    assert (code, errors) == (0, "")
    (rgb, _) = json.loads(output)["experts"]
    assert (rgb["expert"], rgb["dimension"], rgb["MB"], rgb["weights"]) == ("rgb_light", 399, None, "needs none")
    code, output, errors = project.run_command("Status", "--dataset", "tinny", "--json")
    assert (code, output) == (2, "")
    assert errors.startswith("ERROR: no tinny.yaml")
    assert errors.count("\n") == 1


def test_a_reader_of_json_that_goes_away_is_no_error(project):
    process = project.start_command("Status", "--dataset", "tiny", "--json")
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=120), errors) == (0, "")


def test_a_setting_that_cannot_be_parsed_is_told_in_one_line(project):
    (project.root / "more.cfg").write_text(f"[Paths]\ndata = {project.data}\n[Weights]\noffline = maybe\n")
    code, _, errors = project.run_command(
        "Status", "--dataset", "tiny", env={"LUIGI_CONFIG_PATH": str(project.root / "more.cfg")}
    )
    assert code == 2
    assert errors == "ERROR: luigi.cfg: [Weights] offline: cannot interpret 'maybe' as boolean\n"
