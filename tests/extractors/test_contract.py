"""What every expert promises, checked for every YAML in configs/experts/: a new one is tested by being there."""

import dataclasses
import functools
import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from extractors import registry
from extractors.base import (
    AudioNeed,
    AudioView,
    FrameNeed,
    FrameView,
    JointNeed,
    JointView,
    NameNeed,
    SpreadNeed,
    SubtitleNeed,
    WordView,
)
from extractors.extraction.frame_grid import empty_frame_view
from extractors.registry import ExpertId
from pipeline import config
from pipeline.errors import ConfigError, ExtractionError
from pipeline.media.video import probe
from pipeline.stores.fingerprint import canonical, fingerprint
from tests.clips import make_clip
from tests.extractors.run_experts import EXPERTS, features_of, named, row_of, run_pass, video_of

NAMES = sorted(path.stem for path in EXPERTS.rglob("*.yaml"))
"""All of them."""
KNOWN_MODALITIES = {"rgb", "flow", "audio", "face", "ocr", "speech", "scene"}
EDGE_S = 0.05
"""Encoders fill the last block of sound with silence."""


def is_extracted(name):
    """Whether it can be shown a video at all: features that were imported cannot be made here."""
    try:
        return named(name).extractor.need is not None
    except ExtractionError:
        return False


def is_slow(name):
    """Large networks are, on a CPU: those whose weights would have to be fetched."""
    return registry.is_seeded(named(name).recipe)


def hears_voices(name):
    """Whether it hears what is said, of which the clips' tone has nothing; see test_fast_speech.py."""
    return named(name).config.modality == "speech" and isinstance(named(name).extractor.need, AudioNeed)


EXTRACTED = [name for name in NAMES if is_extracted(name)]

every_expert = pytest.mark.parametrize("name", EXTRACTED)


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=pytest.mark.slow if is_slow(name) else ()) for name in EXTRACTED]
)
def at_work(request):
    """The name of an expert that is shown clips; one after another, for their networks fill the memory."""
    yield request.param
    if is_slow(request.param):
        named.cache_clear()


@pytest.fixture
def rich(at_work, rich_clip, brief_clip):
    """A clip with something for everybody."""
    return brief_clip if is_slow(at_work) else rich_clip


@pytest.fixture(scope="module")
def extracted(tmp_path_factory):
    """(expert, clip, batch size, who shares the pass) -> what it keeps of the clip; each computed once."""

    @functools.cache
    def run(name, path, batch_size=8, beside=()):
        folder = tmp_path_factory.mktemp("store")
        expert, video = named(name, batch_size), video_of(path)
        errors = run_pass([*map(named, beside), expert], [(path, video)], folder)
        assert errors == {}
        return features_of(folder, expert, video), row_of(folder, expert, video)

    return run


def test_there_are_experts_to_test():
    assert len(NAMES) >= 7
    assert config.names(EXPERTS) == NAMES, "a YAML in a folder below would never be found"
    assert {named(name).config.modality for name in EXTRACTED if not is_slow(name)} >= KNOWN_MODALITIES


def test_features_are_finite_float32_of_the_length_that_it_says(at_work, rich, extracted):
    kept, row = extracted(at_work, rich)
    assert not row.failed, row.reason
    assert row.count == len(kept.values)
    assert kept.values.dtype == np.float32
    assert kept.values.shape == (row.count, named(at_work).extractor.dim)
    assert np.isfinite(kept.values).all()
    if named(at_work).config.modality in KNOWN_MODALITIES and not (is_slow(at_work) or hears_voices(at_work)):
        assert row.count > 0, "the clip has a face, a word, a moving thing, a tone and subtitles"
        assert np.abs(kept.values).max() > 0


def test_times_rise_and_lie_inside_the_video(at_work, rich, extracted):
    kept, row = extracted(at_work, rich)
    assert (kept.times_s.dtype, kept.times_s.shape) == (np.float64, (row.count, 2))
    starts_s, ends_s = kept.times_s.T
    assert np.all(np.diff(starts_s) >= 0)
    assert np.all(starts_s >= 0)
    assert np.all(starts_s < ends_s)
    assert np.all(ends_s <= probe(rich).duration_s + EDGE_S)


def test_what_is_kept_beside_the_vectors_is_one_entry_a_vector(at_work, rich, extracted):
    kept, row = extracted(at_work, rich)
    for beside in kept.extras.values():
        assert len(beside) == row.count
        if beside.dtype.kind == "f":
            assert np.isfinite(beside).all()


def test_alone_and_beside_others_in_a_pass_it_gives_the_same_bits(at_work, rich, extracted):
    """Whatever it asks for: frames, sound, words, or several; the others ask for other frames, and for sound."""
    others = tuple(name for name in ("rgb_light", "audio_light") if name != at_work)
    (alone, row), (fused, same_row) = extracted(at_work, rich), extracted(at_work, rich, beside=others)
    assert row == same_row
    assert (alone.values.tobytes(), alone.times_s.tobytes()) == (fused.values.tobytes(), fused.times_s.tobytes())
    assert {name: one.tolist() for name, one in alone.extras.items()} == {
        name: one.tolist() for name, one in fused.extras.items()
    }


def test_the_size_of_a_batch_does_not_matter(at_work, rich, extracted):
    (one, _), (eight, _) = extracted(at_work, rich, batch_size=1), extracted(at_work, rich)
    np.testing.assert_array_equal(one.times_s, eight.times_s)
    scale = max(1.0, float(np.abs(eight.values).max(initial=0)))
    np.testing.assert_allclose(one.values, eight.values, atol=1e-3 * scale)


def test_a_clip_with_nothing_for_it_is_an_absence_not_a_failure(at_work, bare_clip, extracted):
    kept, row = extracted(at_work, bare_clip)
    assert not row.failed, row.reason
    assert np.isfinite(kept.values).all()
    if isinstance(named(at_work).extractor.need, AudioNeed):
        assert (row.count, row.reason) == (0, "no audio stream")
    elif isinstance(named(at_work).extractor.need, SubtitleNeed):
        assert row.count == 0
    if row.count:
        assert np.all(kept.times_s[:, 0] < kept.times_s[:, 1])
        assert kept.times_s.max() <= probe(bare_clip).duration_s + 1e-6


def test_sound_without_a_picture_is_an_absence_not_a_failure(at_work, sound_clip, extracted):
    _, row = extracted(at_work, sound_clip)
    assert not row.failed, row.reason
    if isinstance(named(at_work).extractor.need, FrameNeed | SpreadNeed | JointNeed):
        assert (row.count, row.reason) == (0, "no video stream")


def test_silence_and_black_give_finite_features(at_work, dark_clip, extracted):
    kept, row = extracted(at_work, dark_clip)
    assert not row.failed, row.reason
    assert np.isfinite(kept.values).all()


def test_nothing_shown_gives_no_items(at_work):
    """A segment in which the picture has ended and the sound goes on."""
    need = named(at_work).extractor.need
    none, no_times = np.zeros(0, np.int64), np.zeros((0, 2))
    none_of = np.zeros((0, 2), np.int64)
    view = {
        FrameNeed: lambda: empty_frame_view(need),
        SpreadNeed: lambda: empty_frame_view(need),
        JointNeed: lambda: JointView(empty_frame_view(need.frames), None, none, None, none_of),
        AudioNeed: lambda: AudioView(np.zeros(0, np.float32), need.rate_hz, none, 1, no_times),
        SubtitleNeed: lambda: WordView(np.zeros(0, np.str_), no_times),
        NameNeed: lambda: WordView(np.zeros(0, np.str_), no_times),
    }[type(need)]()
    assert isinstance(view, (FrameView, AudioView, WordView, JointView))
    assert len(named(at_work).extractor.prepare(view)) == 0


@every_expert
def test_its_recipe_is_plain_and_complete(name):
    expert = named(name)
    assert expert.recipe["extractor"] == expert.config.extractor
    assert expert.recipe["version"] == expert.extractor.version >= 1
    assert json.loads(canonical(expert.recipe))["params"] == json.loads(json.dumps(expert.recipe["params"]))
    params = expert.extractor.params
    later = {one.name for one in dataclasses.fields(params) if one.metadata == config.LATER}
    unset = {name for name in later if name not in expert.config.params}
    assert expert.recipe["params"].keys() == {field.name for field in dataclasses.fields(params)} - unset
    again = registry.expert(name, EXPERTS, expert.extractor.source.options)
    assert fingerprint(again.recipe) == fingerprint(expert.recipe)


@every_expert
def test_its_params_survive_the_way_to_a_worker_and_to_a_yaml(name):
    expert = named(name)
    copied = pickle.loads(pickle.dumps(expert.id))
    assert copied == expert.id
    assert hash(copied) == hash(expert.id)
    assert isinstance(copied, ExpertId)
    assert registry.rebuild(copied).need == expert.extractor.need
    params = expert.extractor.params
    written = yaml.safe_load(yaml.safe_dump(json.loads(json.dumps(dataclasses.asdict(params)))))
    assert config.parse(type(params), written, "params") == params


@every_expert
def test_a_param_that_it_does_not_know_is_one_clear_line(name, tmp_path):
    told = yaml.safe_load((EXPERTS / f"{name}.yaml").read_text(encoding="utf-8"))
    known = next(iter(dataclasses.fields(named(name).extractor.params))).name
    told["params"] = {**told.get("params", {}), f"{known}x": 1}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(told))
    with pytest.raises(ConfigError) as caught:
        registry.expert("mine", tmp_path)
    message = str(caught.value)
    assert message == f"{tmp_path / 'mine.yaml'}: params: unknown key '{known}x' (did you mean '{known}'?)"


@every_expert
def test_speed_is_no_part_of_its_recipe(name, tmp_path):
    told = yaml.safe_load((EXPERTS / f"{name}.yaml").read_text(encoding="utf-8"))
    told["runtime"] = {"batch_size": 3}
    (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(told))
    assert registry.expert(name, tmp_path, named(name).extractor.source.options).recipe == named(name).recipe


def test_reading_every_config_imports_no_heavy_library():
    script = (
        "import sys, pathlib\n"
        "from extractors import registry\n"
        f"folder = pathlib.Path({str(EXPERTS)!r})\n"
        f"for name in {EXTRACTED!r}:\n"
        "    expert = registry.expert(name, folder)\n"
        "    expert.extractor.dim, expert.extractor.need, expert.recipe\n"
        "heavy = {'torch', 'torchvision', 'cv2', 'av', 'decord', 'librosa', 'onnxruntime', 'rapidocr', 'timm',\n"
        "         'transformers', 'whisper', 'faster_whisper', 'ctranslate2', 'easyocr', 'facenet_pytorch',\n"
        "         'skimage', 'scipy', 'zarr', 'luigi'}\n"
        "print(sorted(heavy & sys.modules.keys()))\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert told.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def sound_clip(tmp_path_factory):
    return make_clip(tmp_path_factory.mktemp("sound") / "sound.mp4", codec="")


@pytest.fixture(scope="module")
def dark_clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("dark") / "dark.mp4"
    return make_clip(path, picture=lambda index: np.zeros((120, 160, 3), np.uint8), sound="silence")
