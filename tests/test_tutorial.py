"""Types what docs/tutorial.md says, in a new folder, and looks at what comes of it."""

import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from pipeline.stores import store
from tests import terminal

TUTORIAL = (Path(__file__).parents[1] / "docs/tutorial.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", TUTORIAL, re.DOTALL)


def take(kind, text, folder):
    """Does with a block what a reader does: writes the file that its first line names, or types its lines."""
    named = re.match(r"# (\S+)\n", text)
    if named:
        (folder / named[1]).write_text(text, encoding="utf-8")
        return ""
    command = text if kind == "sh" else f"{shlex.quote(sys.executable)} -c {shlex.quote(text)}"
    ran = terminal.type_in(folder, command, terminal.environment(), timeout_s=600)
    assert ran.returncode == 0, f"{text}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_reader_who_types_the_tutorial_ends_with_all_that_it_promises(tmp_path):
    folder, printed = tmp_path, []
    for kind, text in BLOCKS:
        printed.append(take(kind, text, folder))
        if "cd evening" in text:
            folder = tmp_path / "evening"
    home = folder / "data/store"
    reports = [json.loads(path.read_text(encoding="utf-8")) for path in home.glob("reports/clips/*/*/report.json")]
    by_model = {report["model"]: report for report in reports}
    assert {"evening", "evening_grey"} <= by_model.keys()
    assert by_model["evening"]["t2v"]["R@10"]["mean"] > by_model["evening"]["chance"]["R@10"]
    assert len([*home.glob("features/greyness/*")]) == 2, "the rate was changed once"
    assert len([*home.glob("features/rgb_light/*")]) == 1, "and nothing else was extracted again"
    rows = [store.rows(path) for path in home.glob("features/greyness/*")]
    assert all(not row.failed and row.count for one in rows for row in one.values() if not row.failed)
    again = next(text for text in printed if "Nothing to do" in text)
    assert re.search(r"EvaluateCE test +fresh", again), "right after a run"
    assert (folder / "words.jsonl").read_text(encoding="utf-8").strip()
    assert int(printed[-1].split()[0]) > 0
    page = terminal.page_of(folder, "python -m search --dataset clips", terminal.environment())
    assert "<title>Search videos</title>" in page
