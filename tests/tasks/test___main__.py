import subprocess
import sys

import pytest

from tests.tasks.project import CONFIGS


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--help"], 0, "EvaluateCE"),
        (["EvaluateCe"], 2, "'EvaluateCE'?"),
        (["completion", "bash"], 0, "complete -F"),
        (["init", "configs/search.yaml"], 2, "ERROR: configs/search.yaml"),
        (["completion"], 2, "usage: expert-retrieval completion"),
    ],
)
def test_the_tasks_are_a_command_of_their_own(words, code, text):
    command = [sys.executable, "-m", "tasks", *words]
    done = subprocess.run(command, check=False, cwd=CONFIGS.parent, capture_output=True, text=True)
    assert done.returncode == code
    assert text in done.stdout + done.stderr
