import shutil

import luigi
import numpy as np
import pytest

from pipeline.errors import ConfigError
from tasks import ExtractExpert, parameters
from tests.tasks.project import SPLITS


def test_experts_are_joined_under_one_name_whatever_their_order():
    join = ExtractExpert.expert._batch_method
    assert join(["b", "a", "c"]) == join(["c", "b", "a"]) == "a,b,c"
    ids = ExtractExpert.worker_run._batch_method
    assert ids(["", ""]) == ids([""]) == parameters.RUN_ID, "Luigi asks twice and must get the same"
    assert len(parameters.RUN_ID) == 8


def test_the_id_of_a_process_is_no_part_of_what_a_single_expert_is():
    assert "worker_run" not in ExtractExpert(dataset="x", expert="y").task_id


def test_experts_may_be_typed_with_blanks_and_a_comma_too_many(project):
    with project.process():
        typed = ExtractExpert(dataset="tiny", expert=" speech_light, rgb_light ,")
        assert [target.name for target in typed.output()] == ["speech_light", "rgb_light"]
        with pytest.raises(ConfigError, match="--expert names no expert"):
            ExtractExpert(dataset="tiny", expert=" ,").output()


def test_two_datasets_are_two_runs(project):
    shutil.copytree(project.videos, project.data / "raw" / "two")
    project.write_config("datasets", "two", {"videos": str(project.data / "raw" / "two"), "model": "tiny"})
    project.edit("experts", "rgb_light", params__fps=3.0)
    project.edit("experts", "speech_light", params__words__longest=4)
    project.edit("text", "words_hashed", params__longest=4)

    class Both(luigi.WrapperTask):
        def requires(self):
            return [ExtractExpert(name, expert) for name in ("tiny", "two") for expert in ("rgb_light", "speech_light")]

    ran, worked = project.attempt(Both)
    assert worked
    extracting = [name for name in ran if name.startswith("ExtractExpert")]
    # The videos are the same: what the first dataset extracted, the second one has.
    assert extracting == ["ExtractExpert rgb_light,speech_light"]
    assert len(SPLITS) == sum(len(_rows(part)) for part in project.feature_parts("rgb_light")[-1:])


def _rows(part):
    from pipeline.stores import store

    return store.rows_of(part)


@pytest.mark.slow
def test_two_devices_extract_what_one_does(project):
    before = project.values("rgb_light")
    shutil.rmtree(project.data / "store" / "features")
    two = {"device": "cpu,cpu", "videos_per_part": "4"}
    ran, worked = project.attempt(ExtractExpert, two, workers=True, dataset="tiny", expert="rgb_light,speech_light")
    assert (ran, worked) == (["ExtractExpert rgb_light,speech_light"], True)
    assert len(project.feature_parts("rgb_light")) == 4
    np.testing.assert_array_equal(project.values("rgb_light"), before)


def test_too_many_failures_are_told_again_without_an_extraction_of_nothing(project, capsys, caplog):
    (project.videos / "broken.mp4").write_text("not a video")
    for extracting in (1, 0):
        caplog.clear()
        _, worked = project.attempt(ExtractExpert, dataset="tiny", expert="rgb_light")
        assert not worked
        assert capsys.readouterr().out.count("Extracting rgb_light from 1 videos") == extracting
        assert "failed on 1 of 15 videos" in caplog.text
