import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from search import by_example
from search.filters import Filter, Options
from search.index.folder import key_of
from tests.clips import make_clip, tone
from tests.search.example_collection import CLIPS, FACE_DIM, Planted, face_of

OPTIONS = Options(100)


def shown(collection, path, name=""):
    return collection.example_experts.show(path, name)


def picture(path, pixels, form="PNG"):
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, form)
    path.write_bytes(held.getvalue())
    return path


@pytest.mark.parametrize("clip", CLIPS[:3], ids=lambda clip: clip.name)
def test_a_frame_of_a_video_finds_the_video_first(planted, tmp_path, clip):
    example = shown(planted, picture(tmp_path / "example", clip.picture(12), "JPEG"))
    answer = by_example.find(planted, example, OPTIONS)
    assert answer.hits[0].video_id == clip.name
    assert answer.hits[0].found_by["example"].rank == 1
    assert set(answer.hits[0].shares) == {"rgb_light"}
    assert answer.notes[0] == "Answered by rgb_light."
    assert "flow_light (a picture does not move)" in answer.notes[1]
    assert "audio_light (a picture is silent)" in answer.notes[1]
    assert "face (its features were imported" in answer.notes[1]


def test_a_picture_of_another_size_and_place_finds_its_hue(planted, tmp_path):
    other = Planted("", CLIPS[2].hue, 0)
    example = shown(planted, picture(tmp_path / "example", other.picture(30, (320, 240))))
    found = [hit.video_id for hit in by_example.find(planted, example, OPTIONS)]
    assert found[0] == "clip2.mp4"


def test_a_sound_finds_the_video_that_sounds_so_by_those_who_hear(planted, tmp_path):
    make_clip(tmp_path / "example.wav", codec="", sound=tone(2.0, CLIPS[5].hz))
    example = shown(planted, tmp_path / "example.wav", "hum.wav")
    answer = by_example.find(planted, example, OPTIONS)
    assert (answer.query, answer.hits[0].video_id) == ("hum.wav", "clip5.mp4")
    assert answer.notes[0] == "Answered by audio_light."
    assert "no video stream" in answer.notes[1]


def test_a_clip_is_answered_by_all_that_see_or_hear(planted, planted_root):
    example = shown(planted, planted_root / "videos" / "clip4.mp4")
    answer = by_example.find(planted, example, OPTIONS)
    assert answer.hits[0].video_id == "clip4.mp4"
    assert set(example.features) == {"rgb_light", "audio_light", "flow_light"}
    assert answer.hits[0].similarity == pytest.approx(1, abs=0.01), "it is the same file, as the same experts see it"


def test_an_example_goes_through_the_experts_as_the_extraction_does(planted, planted_root):
    example = shown(planted, planted_root / "videos" / "clip1.mp4")
    row = planted.row("clip1.mp4")
    for name, values in example.features.items():
        index = planted.examples.features[name]
        np.testing.assert_allclose(values, index.raw(index.span(row)), rtol=0.02, atol=0.02 * np.abs(values).max())


def test_a_moment_is_compared_without_a_file(planted):
    row = planted.row("clip3.mp4")
    example = planted.examples.moment(row, 1.2, "then")
    answer = by_example.find(planted, example, OPTIONS)
    assert answer.hits[0].video_id == "clip3.mp4"
    assert "face" in answer.hits[0].shares


def test_a_face_finds_the_videos_of_the_same_person(planted):
    row = planted.row("clip0.mp4")  # person 0 in its first second, person 1 in the next
    whole = planted.examples.moment(row, 1.5, "")
    face = replace(whole, features={"face": whole.features["face"]})
    found = [hit.video_id for hit in by_example.find(planted, face, OPTIONS)]
    assert set(found) == {"clip0.mp4", "clip2.mp4"}
    assert by_example.find(planted, face, OPTIONS).hits[0].best_s == 1.0


def test_weights_and_filters_and_pages_hold(planted, planted_root):
    example = shown(planted, planted_root / "videos" / "clip4.mp4")
    answer = by_example.find(planted, example, Options(100, weights={"audio_light": 0.0, "flow_light": 2.0}))
    assert answer.notes[0] == "Answered by rgb_light, flow_light."
    nothing = by_example.find(planted, example, Options(10, only=Filter(longest_s=0.5)))
    assert (nothing.hits, nothing.reason) == ((), "No video passes the filters.")
    silent = by_example.find(planted, example, Options(10, weights=dict.fromkeys(example.features, 0.0)))
    assert "set the weight of one above 0" in silent.reason
    whole = by_example.find(planted, example, OPTIONS)
    paged = [hit for at in range(whole.num_ranked) for hit in by_example.find(planted, example, Options(1, at))]
    assert [hit.key for hit in paged] == [hit.key for hit in whole]
    assert whole.num_found == whole.num_ranked == len(whole)


def test_the_score_is_the_mean_of_the_shares_and_moments_say_where(planted, planted_root):
    example = shown(planted, planted_root / "videos" / "clip6.mp4")
    for hit in by_example.find(planted, example, OPTIONS):
        total = sum(share for share in hit.shares.values() if share is not None)
        assert hit.found_by["example"].score == pytest.approx(total, abs=1e-5)
        assert all(0 <= moment.start_s <= moment.end_s <= hit.duration_s + 1e-6 for moment in hit.moments)
    assert {moment.engine for moment in hit.moments} <= {"example"}


def test_what_the_videos_do_not_have_is_not_like_anything(planted):
    stranger = np.eye(FACE_DIM, dtype=np.float32)[9:10]
    example = replace(planted.examples.moment(0, 0.0, ""), features={"face": stranger})
    answer = by_example.find(planted, example, OPTIONS)
    assert all(hit.score < 0.5 for hit in answer)
    known = replace(example, features={"face": face_of(2, 77)[None]})
    assert by_example.find(planted, known, OPTIONS).hits[0].key == key_of("clip3.mp4")
