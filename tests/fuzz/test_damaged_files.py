"""Files that were damaged at random, through the manifest and the experts: each must end as a row that says why.

A file is made from its seed alone, which its name begins with: `mutated(originals, seed)` makes it again.
FUZZ_FILES=n tries n files in place of 600, FUZZ_FIRST=n begins with another seed.
"""

import os
import random
from pathlib import Path

import pytest

from tests.fuzz.fuzzed_pass import faults_of, run, too_long
from tests.fuzz.mutations import mutated
from tests.fuzz.originals import CLIPS, make_originals
from tests.inline_jobs import inline_jobs

FILES = int(os.environ.get("FUZZ_FILES", "600"))
FIRST = int(os.environ.get("FUZZ_FIRST", "0"))
AT_ONCE = 100
"""Files of one folder."""


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    return make_originals(tmp_path_factory.mktemp("originals"))


def write_damaged(folder: Path, originals, seeds) -> None:
    """The files of the seeds; some have subtitles of random bytes beside them."""
    folder.mkdir()
    for seed in seeds:
        name, data = mutated(originals, seed)
        (folder / name).write_bytes(data)
        draw = random.Random(f"beside {seed}")
        if draw.random() < 0.1:
            beside = (folder / name).with_suffix(draw.choice([".srt", ".vtt", ".ass"]))
            beside.write_bytes(draw.randbytes(draw.choice([0, 10, 1000, 50000])))


def test_whole_files_have_features_and_nothing_is_said_of_them(originals, tmp_path):
    (tmp_path / "videos").mkdir()
    for name, data in originals.items():
        (tmp_path / "videos" / name).write_bytes(data)
    with inline_jobs():
        outcome = run(tmp_path)
    assert faults_of(outcome) + too_long(tmp_path, outcome) == []
    assert {video.video_id: video.problem + video.note for video in outcome.videos} == dict.fromkeys(CLIPS, "")
    content = {video.content: CLIPS[video.video_id] for video in outcome.videos}
    for expert, stream in (("rgb_light", "codec"), ("audio_light", "sound")):
        for row in outcome.rows[expert]:
            assert (row.count > 0) == (content[row.key].get(stream, "some") not in {"", None}), (
                expert,
                content[row.key],
            )


def test_the_same_seed_makes_the_same_file(originals):
    assert mutated(originals, 7) == mutated(originals, 7) != mutated(originals, 8)


def test_a_few_damaged_files_end_as_rows(originals, tmp_path):
    write_damaged(tmp_path / "videos", originals, range(FIRST, FIRST + 12))
    with inline_jobs():
        outcome = run(tmp_path)
    assert len(outcome.videos) == 12
    assert faults_of(outcome) + too_long(tmp_path, outcome) == []


@pytest.mark.slow
@pytest.mark.timeout(1200)  # on a machine that is busy with other tests
@pytest.mark.parametrize("first", range(FIRST, FIRST + FILES, AT_ONCE))
def test_many_damaged_files_end_as_rows(originals, tmp_path, first):
    seeds = range(first, min(first + AT_ONCE, FIRST + FILES))
    print(f"seeds {seeds.start} to {seeds.stop - 1}")
    write_damaged(tmp_path / "videos", originals, seeds)
    outcome = run(tmp_path)
    assert len(outcome.videos) == len(seeds)
    assert outcome.worker_mb > 0, "no worker was measured"
    assert faults_of(outcome) + too_long(tmp_path, outcome) == []
