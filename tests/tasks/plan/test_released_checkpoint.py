import os

import pytest

from pipeline.errors import ConfigError
from tasks.plan.released_checkpoint import expert_of, modalities, sha256


def test_an_expert_of_theirs_is_the_one_that_the_model_lists():
    known = ["released_face", "released_face_miech", "face"]
    assert expert_of("face", ("released_face_miech", "face"), known) == "released_face_miech"
    assert expert_of("face", ("ocr",), known) == "released_face"
    with pytest.raises(ConfigError, match="'detection' has no YAML"):
        expert_of("detection", (), known)


def test_a_pipe_in_place_of_a_published_file_is_told_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for read in (modalities, sha256):
        with pytest.raises(ConfigError, match="pipe: a named pipe, not a file"):
            read(tmp_path / "pipe")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"experts": {"modalities": 3}}', '{"experts": {"modalities": [[]]}}', "[" * 100_000]
)
def test_a_config_that_is_none_of_a_published_model_is_one_line(tmp_path, text):
    (tmp_path / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"no config\.json of a published model") as caught:
        modalities(tmp_path / "config.json")
    assert "\n" not in str(caught.value)
