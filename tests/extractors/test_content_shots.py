import dataclasses

import numpy as np
import pytest
from scenedetect import AdaptiveDetector, ContentDetector, FrameTimecode, detect

from extractors import registry
from extractors.base import FrameView
from extractors.content_shots import CHUNK, Expert, Params
from extractors.extraction import segments
from pipeline.datasets.clips import clip_content
from tests.clips import make_clip, numbered
from tests.extractors.private_api import assert_there
from tests.extractors.run_experts import features_of, named, run_pass, video_of

FPS = 5.0
SIZE = (256, 144)
"""Which PySceneDetect takes as it is."""
CUTS = (40, 44, 111, 112, 160, 220, 300)
"""In frames: two flashes, two cuts around the border of a piece (at 160), and others."""
DETECTORS = {
    "adaptive": lambda: AdaptiveDetector(min_scene_len=3),
    "content": lambda: ContentDetector(min_scene_len=3),
}


def scene(index):
    """A frame of a film of 350 whose shots have colours of their own; a bright square moves in each."""
    shade = np.array([60 + 50 * (sum(index >= cut for cut in CUTS) % 3), 90, 40 + 30 * (index >= 111)], np.uint8)
    return np.clip(numbered(index, SIZE) // 3 + shade, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """70 s in three pieces, kept without loss."""
    path = tmp_path_factory.mktemp("film") / "film.mkv"
    return make_clip(
        path, size=SIZE, fps=FPS, seconds=70, picture=scene, codec="ffv1", pixels="bgr0", sound=None, encoder={}
    )


def expert_of(detector):
    """shots_light with this detector, five frames a second."""
    expert = named("shots_light")
    extractor = Expert(Params(detector=detector, fps=FPS, shortest_s=3 / FPS))
    return dataclasses.replace(expert, extractor=extractor)


@pytest.fixture
def pass_over(film, tmp_path, monkeypatch):
    """(detector, other experts) -> the shots of the film."""

    def run(detector, *others, span_s=()):
        expert, folder = expert_of(detector), tmp_path / f"store{len(list(tmp_path.iterdir()))}"
        video = video_of(film)
        if span_s:
            content, length_s = clip_content(video.content, span_s), span_s[1] - span_s[0]
            video = dataclasses.replace(video, content=content, span_s=span_s, duration_s=length_s, file=film.name)
        extractors = {one.name: one.extractor for one in (expert, *others)}
        monkeypatch.setattr(registry, "rebuild", lambda one: extractors[one.name])
        assert run_pass([expert, *others], [(film, video)], folder) == {}
        return features_of(folder, expert, video)

    return run


@pytest.mark.parametrize("detector", DETECTORS)
def test_the_shots_are_those_that_pyscenedetect_finds_in_the_whole_file(film, detector, pass_over):
    expected = [(start.seconds, end.seconds) for start, end in detect(str(film), DETECTORS[detector]())]
    assert len(expected) > 4
    found = pass_over(detector)
    np.testing.assert_allclose(found.times_s, expected, atol=1e-9)
    assert found.values[0] == 0
    assert np.all(found.values[1:] >= 15)


def test_of_a_clip_they_are_those_that_pyscenedetect_finds_there(film, pass_over):
    expected = detect(str(film), DETECTORS["content"](), start_time=20.0, end_time=50.0)
    found = pass_over("content", span_s=(20.0, 50.0))
    assert len(expected) > 2
    np.testing.assert_allclose(found.times_s, [(start.seconds - 20, end.seconds - 20) for start, end in expected])


@pytest.mark.slow
def test_they_are_the_same_beside_other_experts_and_in_another_cutting(pass_over, monkeypatch):
    alone = pass_over("adaptive")
    beside = pass_over("adaptive", named("rgb_light"))
    monkeypatch.setattr(segments, "SEGMENT_S", 20.0)
    for other in (beside, pass_over("adaptive")):
        np.testing.assert_array_equal(other.times_s, alone.times_s)
        np.testing.assert_array_equal(other.values, alone.values)


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize("seed", range(8))
def test_the_cuts_are_those_of_the_detector_that_is_shown_all_frames(detector, seed):
    """Frames of one grey each, many of which change by much: flashes, runs of cuts, and changes near the threshold."""
    random = np.random.default_rng(seed)
    length = int(random.integers(1, 120))
    greys = np.cumsum(random.choice([0, 0, 0, 40, 81, 82, 250], length)) % 256
    frames = np.repeat(greys.astype(np.uint8)[:, None], 16 * 16 * 3, axis=1).reshape(-1, 16, 16, 3)
    whole = DETECTORS[detector]()
    cuts = [
        cut.frame_num for at, frame in enumerate(frames) for cut in whole.process_frame(FrameTimecode(at, 5.0), frame)
    ]

    expert = expert_of(detector).extractor
    padded = np.concatenate([frames[:1], frames, np.repeat(frames[-1:], 2 * CHUNK, axis=0)])
    starts = np.arange(0, length, CHUNK)
    scores = expert.prepare(FrameView(padded, starts, CHUNK + 2, np.zeros((len(starts), 2)))).reshape(-1)[:length]
    assert [shot.first for shot in expert.shots(scores)] == [0, *sorted(cuts)]


def test_a_shot_of_one_frame_is_a_shot():
    assert [tuple(shot) for shot in Expert(Params()).shots(np.zeros(1))] == [(0, 1, 0.0)]


def test_settings_that_no_detector_has_are_refused():
    for wrong in ({"fps": 0}, {"around": 0}, {"threshold": -1}, {"weights": (0, 0, 0, 0)}, {"short_px": 8}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Params(**wrong)


def test_the_private_method_that_gives_the_differences_is_still_there():
    assert_there(
        ContentDetector(), "_calculate_frame_score", "extractors/content_shots.py takes and gives scores by it"
    )
