import numpy as np

from extractors.executors.lacking import Lacking
from extractors.extraction.work import Wanted
from pipeline.stores import parts, store
from pipeline.stores.parts import Features
from pipeline.stores.store import Row
from tests.extractors.extraction.test_job import NAMES, lacking, listed, terms
from tests.extractors.run_experts import named


def publish(folder, *numbers):
    features = Features(np.zeros((1, 2), np.float32), np.zeros((1, 2)))
    parts.publish(folder, [Row(f"{number:032}", 1) for number in numbers], [features] * len(numbers), 2)


def test_what_is_published_meanwhile_is_not_lacking_any_more(tmp_path, monkeypatch):
    from extractors.extraction.job import chunk_jobs

    wanted = lacking(tmp_path, {NAMES[0]: range(4), NAMES[1]: [1, 3]})
    (job,) = chunk_jobs(wanted, listed(4), terms(tmp_path))
    now = Lacking(wanted)
    now.refresh()
    assert now.of(job) == job
    publish(tmp_path / NAMES[0], 0, 1, 2)
    assert now.of(job) == job, "nothing is read before a refresh"
    now.refresh()
    rest = now.of(job)
    assert [(int(video.content), names) for _, video, names in rest.videos] == [(1, (NAMES[1],)), (3, tuple(NAMES))]
    read = []
    rows_of = store.rows_of
    monkeypatch.setattr(store, "rows_of", lambda part: read.append(part) or rows_of(part))
    publish(tmp_path / NAMES[1], 1, 3)
    now.refresh()
    assert len(read) == 1, "each part is read once"
    assert list(now.of(job).experts) == [NAMES[0]]
    publish(tmp_path / NAMES[0], 3)
    now.refresh()
    assert now.of(job) is None


def test_an_expert_that_is_given_up_lacks_nothing(tmp_path):
    from extractors.extraction.job import chunk_jobs

    wanted = [Wanted(named(name), tmp_path / name, frozenset(f"{i:032}" for i in range(2))) for name in NAMES]
    (job,) = chunk_jobs(wanted, listed(2), terms(tmp_path))
    now = Lacking(wanted)
    now.give_up(NAMES[:1])
    assert list(now.of(job).experts) == NAMES[1:]
    now.give_up(NAMES[1:])
    assert now.of(job) is None
