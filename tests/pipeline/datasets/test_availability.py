import pytest

from pipeline.datasets import scan
from pipeline.datasets.annotations import load_dataset
from pipeline.datasets.availability import clip_reader, has_annotations, has_videos, how_to_get, is_imported, reader
from pipeline.errors import AnnotationError, ConfigError
from tests.pipeline.datasets.known import DATASETS, KNOWN, msrvtt_config
from tests.pipeline.datasets.readers import sample_files


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_dataset_with_nothing_there_is_one_message_with_all_that_one_needs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wanted = load_dataset(name, DATASETS)
    with pytest.raises(AnnotationError) as caught:
        scan.build(name, wanted, tmp_path / "cache", 1, 60.0)
    message = str(caught.value)
    assert message == how_to_get(name, wanted)
    for part in wanted.parts:
        assert all(fact in message for fact in (part.where, part.licence, part.size, part.into))
    assert (f"FetchAnnotations --dataset {name}" in message) == any(part.public for part in wanted.parts)
    assert (f"ImportExperts --dataset {name}" in message) == (wanted.released is not None)
    assert reader(wanted.annotations.format).FILES in message


def test_what_is_there_is_not_asked_for(tmp_path):
    sample_files.msrvtt(tmp_path)
    message = how_to_get("some", msrvtt_config(tmp_path))
    assert "- videos, below" in message
    assert "- annotations" not in message


def test_a_format_that_no_reader_knows_is_told():
    with pytest.raises(ConfigError, match=r"annotations\.format 'coco': there are activitynet, didemo, lsmdc, msrvtt"):
        reader("coco")


def test_a_format_is_the_name_of_a_reader_and_not_of_its_helpers():
    assert reader("msrvtt").__name__ == "pipeline.datasets.readers.msrvtt"
    for name in ("parsing", "released", "__init__"):
        with pytest.raises(ConfigError, match=f"annotations.format '{name}'"):
            reader(name)


def test_a_format_without_seconds_names_those_that_have_some():
    assert clip_reader("msrvtt") == reader("msrvtt").read_clips
    with pytest.raises(ConfigError, match=r"^annotations\.clips: lsmdc names no pieces .* do: activitynet, msrvtt"):
        clip_reader("lsmdc")


def test_videos_and_annotations_are_found_when_they_are_there(tmp_path):
    settings = msrvtt_config(tmp_path)
    assert not has_videos(settings)
    assert not has_annotations(settings.annotations)
    (tmp_path / "videos" / "deep").mkdir(parents=True)
    assert not has_videos(settings)
    (tmp_path / "videos" / "deep" / "a.mp4").touch()
    sample_files.msrvtt(tmp_path)
    assert has_videos(settings)
    assert has_annotations(settings.annotations)
    assert not is_imported(settings)
