"""The collection of the benchmark of planning is what the program itself would have written."""

import json

import numpy as np
import pytest

from benchmarks import planning, planning_collection
from pipeline.stores import parts, store
from pipeline.stores.store import Row


def files_of(part):
    return {path.relative_to(part).as_posix(): path.read_bytes() for path in sorted(part.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("failed", [False, True])
def test_a_part_that_is_linked_has_the_bytes_of_one_that_is_published(tmp_path, failed):
    count = 0 if failed else 2
    rows = [[Row(f"{first + at:032x}", count, failed, "x" if failed else "") for at in range(3)] for first in (0, 10)]
    features = [planning_collection.features(row, 4) for row in rows[0]]
    template, published = (parts.publish(tmp_path, some, features, 4)[0] for some in rows)
    linked = planning_collection.link_part(template, tmp_path, rows[1])
    assert files_of(linked) == files_of(published)


def test_all_rows_are_written_each_once(tmp_path):
    rows = [planning_collection._row(f"{at:032x}", at, 1) for at in range(300)]
    planning_collection.write_parts(tmp_path, rows, 4, 64)
    store.forget_scans()
    assert store.rows(tmp_path) == {row.key: row for row in rows}
    found = parts.Reader(tmp_path).values([rows[0].key, rows[1].key], 4)
    assert len(found.values) == rows[0].count + rows[1].count
    assert np.isfinite(found.values).all()


def test_videos_are_sorted_by_id_as_in_a_manifest():
    ids = [video.video_id for video in planning_collection.videos(2500)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 2500


def test_the_table_has_a_line_for_each_step(tmp_path):
    steps = {step: {"cpu_s": 1.25, "peak_mb": 70} for step in planning.TOLD}
    (tmp_path / "planning.json").write_text(json.dumps({"sizes": [{"videos": 10_000, "steps": steps}]}))
    head, _, *lines = planning.table(tmp_path / "planning.json").splitlines()
    assert head == "| CPU seconds; peak memory | 10,000 videos |"
    assert len(lines) == len(planning.TOLD)
    assert all(line.endswith("| 1.2 s; 70 MB |") for line in lines)
