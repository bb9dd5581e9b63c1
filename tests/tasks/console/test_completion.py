"""The scripts drive real shells; those that are not installed are left out, and say so."""

import re
import shutil
import subprocess

import pytest

import tasks
from pipeline.config import INHERITS
from tasks.console import completion
from tests.tasks.project import CONFIGS

ROOT = CONFIGS.parent
EXPECTED = {
    "expert-retrieval Evaluat": {"EvaluateCE", "EvaluateReleased"},
    "luigi --module tasks Stat": {"Status"},
    "expert-retrieval EvaluateCE --dataset ms": {"msrvtt", "msrvtt_1ka", "msrvtt_1kb", "msvd"},
    "luigi --module tasks EvaluateCE --model ce_20": {"ce_2026"},
    "expert-retrieval ExtractExpert --dataset demo --expert rgb_light,fl": {"rgb_light,flow", "rgb_light,flow_light"},
    "expert-retrieval EvaluateCE --split ": {"train", "val", "test"},
    "expert-retrieval EvaluateCE --datas": {"--dataset"},
    "expert-retrieval ExportExpert --format ": {"auto", "npy", "jsonl", "parquet", "lance", "webdataset"},
    "expert-retrieval CollectGarbage --Paths-conf": {"--Paths-configs"},
    "expert-retrieval FetchWeights --networks text/words": {"text/words_hashed"},
    "expert-retrieval Status --project {project} --dataset ": {"mine"},
    "expert-retrieval completion ": {"bash", "zsh", "fish"},
}
"""What is typed, up to the cursor -> candidates."""

BASH = """source {script}
cd {where}
COMP_WORDS=({words})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
__er_complete "${{COMP_WORDS[0]}}"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
ZSH = """compdef() {{ }}
compset() {{
    [[ "$2" = '*,' && "${{words[CURRENT]}}" = *,* ]] && before="${{words[CURRENT]%,*}},"
}}
compadd() {{
    local one
    shift
    for one; do [[ "$before$one" = "${{words[CURRENT]}}"* ]] && print -r -- "$before$one"; done
}}
source {script}
cd {where}
words=({words}) CURRENT=$#words before=""
__er_complete
"""
FISH = """source {script}
cd {where}
complete -C {line} | cut -f 1
"""


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_a_project_that_inherits_is_offered_the_shipped_configs_too(shell, tmp_path, other_project):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    (other_project / "configs" / INHERITS).touch()
    (other_project / "configs" / "datasets" / "msvd.yaml").touch()
    line = f"expert-retrieval Status --project {other_project} --dataset m"
    assert candidates(shell, line, tmp_path) == {"mine", "msrvtt", "msrvtt_1ka", "msrvtt_1kb", "msvd", "multivent2"}
    line = f"expert-retrieval Status --project {other_project} --model ce_20"
    assert candidates(shell, line, tmp_path) == {"ce_2026"}


@pytest.fixture
def other_project(tmp_path):
    """A project elsewhere, with one dataset."""
    (tmp_path / "configs" / "datasets").mkdir(parents=True)
    (tmp_path / "configs" / "datasets" / "mine.yaml").touch()
    return tmp_path


def quoted(word):
    return "'" + word.replace("'", r"'\''") + "'"


def candidates(shell, line, tmp_path):
    """What the shell offers after this line."""
    script = tmp_path / f"script.{shell}"
    script.write_text(completion.script(shell), encoding="utf-8")
    words = " ".join(quoted(word) for word in line.split(" "))
    form = {"bash": BASH, "zsh": ZSH, "fish": FISH}[shell]
    program = form.format(script=script, where=ROOT / "tasks", words=words, line=quoted(line))
    bare = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    done = subprocess.run([shell, *bare, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.parametrize("line", EXPECTED)
@pytest.mark.parametrize("shell", completion.SHELLS)
def test_the_shell_offers_what_can_be_typed(shell, line, tmp_path, other_project, monkeypatch):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    monkeypatch.delenv("EXPERT_RETRIEVAL_HOME", raising=False)
    assert candidates(shell, line.format(project=other_project), tmp_path) == EXPECTED[line]


def test_bash_completes_after_an_equals_sign_files_and_the_project_of_the_environment(
    tmp_path, other_project, monkeypatch
):
    assert candidates("bash", "luigi --module tasks Status --dataset = ms", tmp_path) >= {"msvd"}
    assert candidates("bash", f"expert-retrieval NewDataset --videos {ROOT}/te", tmp_path) == {f"{ROOT}/tests"}
    assert candidates("bash", "luigi ", tmp_path) == {"--module", "tasks"}
    monkeypatch.setenv("EXPERT_RETRIEVAL_HOME", str(other_project))
    assert candidates("bash", "expert-retrieval Status --dataset ", tmp_path) == {"mine"}
    monkeypatch.setenv("EXPERT_RETRIEVAL_HOME", str(tmp_path / "nowhere"))
    assert candidates("bash", "expert-retrieval Status --dataset ", tmp_path) == set()


def test_every_task_and_each_of_its_options_is_offered(tmp_path):
    assert candidates("bash", "expert-retrieval ", tmp_path) == {*tasks.__all__, "completion", "init"}
    offered = candidates("bash", "expert-retrieval ExtractExpert --", tmp_path)
    assert {"--dataset", "--expert", "--quiet", "--help", "--Extraction-device"} <= offered
    assert "--worker-run" not in offered


def test_no_shell_and_an_unknown_one_are_told_what_there_is(capsys):
    for words in ([], ["tcsh"], ["bash", "zsh"]):
        assert completion.main(words) == 2
        assert "completion bash|zsh|fish" in capsys.readouterr().err
    assert completion.main(["--help"]) == 0
    assert "usage: " in capsys.readouterr().out
    assert completion.main(["bash"]) == 0
    assert capsys.readouterr().out == completion.script("bash")
    for shell in completion.SHELLS:
        assert not re.search(r"@[A-Z]+@", completion.script(shell)), "a part that was not filled in"
