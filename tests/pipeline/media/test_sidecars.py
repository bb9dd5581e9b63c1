import os

from pipeline.media.sidecars import sidecar, unusable_sidecar


def test_the_subtitle_file_of_a_video_has_its_stem_and_srt_comes_before_vtt(tmp_path):
    for name in ("a.mp4", "a.srt", "a.vtt", "b.mp4", "b.vtt", "c.mp4", "c.en.srt", "a.b.mp4", "a.b.srt"):
        (tmp_path / name).touch()
    found = {name: sidecar(tmp_path / f"{name}.mp4") for name in ("a", "b", "c", "a.b")}
    assert found == {"a": tmp_path / "a.srt", "b": tmp_path / "b.vtt", "c": None, "a.b": tmp_path / "a.b.srt"}


def test_a_folder_of_that_name_is_no_subtitle_file(tmp_path):
    (tmp_path / "d.srt").mkdir()
    assert sidecar(tmp_path / "d.mp4") is None


def test_what_lies_in_the_place_of_subtitles_and_is_no_file_is_told(tmp_path):
    for name in ("a.srt", "b.vtt"):
        os.mkfifo(tmp_path / name)
    (tmp_path / "c.srt").touch()
    told = [unusable_sidecar(tmp_path / name) for name in ("a.mp4", "b.mp4", "c.mp4", "d.mp4")]
    assert told == ["a.srt: a named pipe, not a file; left out", "b.vtt: a named pipe, not a file; left out", "", ""]
    assert sidecar(tmp_path / "a.mp4") is None
