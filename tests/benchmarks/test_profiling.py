import json
import time

from benchmarks import profiling
from benchmarks.profiling import Stages, table


def test_what_runs_inside_of_an_inner_stage_counts_there_alone(monkeypatch):
    clock = iter([0, 1, 3, 10])  # outer begins, inner begins, inner ends, outer ends
    monkeypatch.setattr(profiling.time, "process_time", lambda: next(clock))
    stages = Stages()
    with stages.stage("outer"), stages.stage("inner"):
        pass
    assert stages.cpu_s == {"outer": 1 + 7, "inner": 2}


def test_a_wrapped_function_and_a_wrapped_iterator_give_what_they_gave():
    stages = Stages()
    assert stages.timed("add", lambda a, b: a + b)(1, b=2) == 3
    assert list(stages.timed_steps("count", range)(2, 5)) == [2, 3, 4]
    assert stages.cpu_s.keys() == {"add", "count"}
    assert time.process_time() >= sum(stages.cpu_s.values())


def test_the_table_has_seconds_a_minute_and_shares_without_what_is_next_to_nothing(tmp_path):
    sizes = {
        "small": {"video_s": 30.0, "cpu_s": {"decoding": 1.0, "faces: embed": 3.0, "faces: prepare": 0.001}},
        "large": {"video_s": 30.0, "cpu_s": {"decoding": 9.0, "faces: embed": 3.0}},
    }
    path = tmp_path / "profiling.json"
    path.write_text(json.dumps({"machine": {"cpu": "Some CPU"}, "sizes": sizes}))
    lines = table(path).splitlines()
    assert lines[0].startswith("| stage | small: CPU s a minute | share | large:")
    assert lines[2:5] == [
        "| decoding | 2.00 | 25% | 18.00 | 75% |",
        "| faces: embed | 6.00 | 75% | 6.00 | 25% |",
        "| all | 8.00 | 7.5 times real time | 24.00 | 2.5 times real time |",
    ]
    assert "Some CPU" in lines[-1]
