import hashlib

from pipeline.datasets import manifest
from pipeline.datasets.annotations import Caption
from pipeline.datasets.manifest import Video
from pipeline.datasets.videos import Listed
from pipeline.stores.keys import unpack
from tasks.plan import row_keys


def made_of(tmp_path, *captions):
    videos = [
        Video(f"v{at}.mp4", f"{at:032x}", "train", (Caption(text, ()),), 1.0, True, True, False)
        for at, text in enumerate(captions)
    ]
    return manifest.of("tiny", tmp_path, Listed(videos))


def strings(keys):
    return unpack(keys.packed, keys.others)


def test_keys_of_videos_are_their_contents_in_manifest_order(tmp_path):
    made = made_of(tmp_path, "a", "b", "c")
    assert strings(row_keys.of_videos(made, "")) == [f"{at:032x}" for at in range(3)]


def test_keys_of_imported_features_are_of_collection_and_name(tmp_path):
    made = made_of(tmp_path, "a", "b")
    expected = [hashlib.sha256(f"imported msrvtt v{at}".encode()).hexdigest()[:32] for at in range(2)]
    assert strings(row_keys.of_videos(made, "msrvtt")) == expected
    assert [row_keys.of_video(video, "msrvtt") for video in made.videos] == expected


def test_keys_of_captions_are_of_each_text_once(tmp_path):
    made = made_of(tmp_path, "a", "b", "a")
    assert list(row_keys.texts(made)) == ["a", "b"]
    assert strings(row_keys.of_captions(made)) == [hashlib.sha256(text.encode()).hexdigest()[:32] for text in "ab"]


def test_keys_are_made_once_for_a_manifest_and_again_for_another(tmp_path):
    one, other = made_of(tmp_path, "a"), made_of(tmp_path, "b")
    assert row_keys.of_videos(one, "") is row_keys.of_videos(one, "")
    assert row_keys.of_captions(one) is not row_keys.of_captions(other)
    empty = made_of(tmp_path)
    assert row_keys.of_videos(empty, "") is row_keys.of_videos(empty, "")
