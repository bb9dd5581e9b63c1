"""The example for SLURM, with plain processes in place of its jobs."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.tasks.project import SPLITS, Project

SBATCH = r"""#!{python}
# Stands for SLURM: runs the jobs of an array at once, and a dependent job when all of them have ended well.
import os, pathlib, subprocess, sys

options = dict(word.removeprefix("--").partition("=")[::2] for word in sys.argv[1:] if word.startswith("--"))
command, log = sys.argv[sys.argv.index("--wrap") + 1], pathlib.Path(os.environ["SBATCH_LOG"])
if "array" in options:
    first, last = map(int, options["array"].split("-"))
    jobs = [
        subprocess.Popen(["sh", "-c", command], env=os.environ | {{"SLURM_ARRAY_TASK_ID": str(number)}},
                         stdout=(log / f"out-{{number}}").open("w"), stderr=(log / f"err-{{number}}").open("w"))
        for number in range(first, last + 1)
    ]
    codes = [job.wait() for job in jobs]
    (log / "4711").write_text(repr(codes))
    print("4711")
else:
    assert options["dependency"] == "afterok:4711", options
    codes = eval((log / "4711").read_text())
    assert not any(codes), codes
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    (log / "out").write_text(done.stdout)
    (log / "err").write_text(done.stderr)
    sys.exit(done.returncode)
"""
NUM_JOBS = 3


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_jobs_of_an_array_share_the_videos_and_one_job_evaluates(tmp_path):
    project = Project(tmp_path / "project").make()
    project.run_command("--help")  # writes the settings
    log, program = tmp_path / "log", tmp_path / "bin" / "sbatch"
    log.mkdir()
    program.parent.mkdir()
    program.write_text(SBATCH.format(python=sys.executable))
    program.chmod(0o755)
    settings = {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "LUIGI": f"{sys.executable} -m luigi",
        "LUIGI_CONFIG_PATH": str(project.root / "command.cfg"),
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "SBATCH_LOG": str(log),
    }
    done = subprocess.run(
        [str(ROOT / "scripts" / "slurm_array.sh"), "tiny", "rgb_light,speech_light", str(NUM_JOBS)],
        cwd=project.root,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    told = "\n".join(f"{path.name}: {path.read_text()}" for path in sorted(log.iterdir()))
    assert done.returncode == 0, done.stderr + told
    assert "Traceback" not in told
    assert "tiny, test split: 3 captions, 3 videos" in (log / "out").read_text()
    assert "Extracting" not in (log / "out").read_text(), "the array has extracted all"
    begun = [(log / f"out-{number}").read_text() for number in range(1, NUM_JOBS + 1)]
    assert any(f"from {len(SPLITS)} videos" in text for text in begun)
    assert [path for path in (project.data / "store" / "claims").rglob("*") if path.is_file()] == []


def test_without_its_three_words_the_script_says_how_it_is_called():
    done = subprocess.run(
        [str(ROOT / "scripts" / "slurm_array.sh"), "tiny"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "usage: scripts/slurm_array.sh DATASET EXPERT[,EXPERT...] N\n"
