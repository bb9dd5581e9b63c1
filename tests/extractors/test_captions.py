import numpy as np
import pytest
import yaml

from extractors import captions, registry
from extractors.base import WordView
from extractors.captions import PROMPT, Expert, Params
from extractors.word_vectors import Encoder, EncoderParams, SegmentParams
from pipeline import config
from pipeline.errors import ConfigError, ExtractionError, OutageError, WeightsError
from pipeline.stores import store
from pipeline.stores.fingerprint import fingerprint
from pipeline.weights.files import WeightOptions
from tests.clips import make_clip
from tests.extractors.captioning.stub_server import Stub, running
from tests.extractors.captioning.test_server import level_of
from tests.extractors.reference import SEEDED
from tests.extractors.run_experts import EXPERTS, features_of, named, row_of, run_pass, video_of

WORDS = {"source": "hashed", "dim": 8}
SAID = "A man cooks pasta. He <b>smiles</b>!"


@pytest.fixture(scope="module")
def clip_path(tmp_path_factory):
    """Three clips of a second, each a little lighter than the one before."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return make_clip(path, seconds=3.0, picture=lambda index: np.full((48, 64, 3), 20 + 80 * (index // 25), np.uint8))


@pytest.fixture
def stub():
    with running(Stub(lambda asked: SAID)) as one:
        yield one


def asking(stub, folder, **params):
    """The expert "mine" of a YAML that asks the stub."""
    settings = {"network": "server/me/tiny", "clip_s": 1.0, "frames": 2, "short_px": 32, "words": WORDS} | params
    told = {"extractor": "captions", "modality": "captions", "params": settings, "runtime": {"server": stub.address}}
    (folder / "mine.yaml").write_text(yaml.safe_dump(told))
    return registry.expert("mine", folder, WeightOptions(folder))


def shown(expert, path, folder):
    errors = run_pass([expert], [(path, video_of(path))], folder / fingerprint(expert.recipe))
    return errors.get("mine")


def kept(expert, path, folder):
    video, where = video_of(path), folder / fingerprint(expert.recipe)
    return features_of(where, expert, video), row_of(where, expert, video)


def test_each_word_that_is_said_of_a_clip_is_a_row_with_its_times(stub, clip_path, tmp_path):
    expert = asking(stub, tmp_path)
    assert shown(expert, clip_path, tmp_path) is None
    features, row = kept(expert, clip_path, tmp_path)
    assert (row.failed, row.reason) == (False, "")
    words = ["A", "man", "cooks", "pasta", "He", "b", "smiles", "b"]
    assert features.extras.keys() == {"text"}
    assert features.extras["text"].tolist() == words * 3
    assert features.times_s[::8].tolist() == [[0, 1], [1, 2], [2, 3]]
    np.testing.assert_array_equal(features.values[0], features.values[8])
    assert len(stub.requests) == 3
    assert stub.requests[0][1]["messages"][0]["content"][-1]["text"] == PROMPT


def test_with_sentences_each_is_one_row(stub, clip_path, tmp_path, monkeypatch):
    sentence = SegmentParams("transformers/me/sentences", 8)
    stub.answer = lambda asked: f"A man cooks. He is number {level_of(asked) // 80}!"
    # The encoder of sentences is a stand-in; the server is asked.
    monkeypatch.setattr(Expert, "_encoder", Encoder(sentence, SEEDED))
    expert = asking(stub, tmp_path, words={"unit": "segment", "source": sentence.source, "dim": 8})
    assert shown(expert, clip_path, tmp_path) is None
    features, _ = kept(expert, clip_path, tmp_path)
    assert features.extras["text"].tolist() == ["A man cooks", *(f"He is number {number}" for number in range(3))]
    assert features.times_s.tolist() == [[0, 3], [0, 1], [1, 2], [2, 3]], "what is said again is one row"
    assert np.linalg.norm(features.values, axis=1) == pytest.approx(np.ones(4))


def test_a_fault_of_a_clip_is_told_and_costs_no_other_clip(stub, clip_path, tmp_path):
    stub.answer = lambda asked: SAID if level_of(asked) > 50 else (400, b"indecent", {})
    expert = asking(stub, tmp_path)
    assert shown(expert, clip_path, tmp_path) is None
    features, row = kept(expert, clip_path, tmp_path)
    assert (row.failed, row.count, row.reason.endswith("answers 400 indecent")) == (False, 16, True)
    assert features.times_s[0].tolist() == [1, 2]


def test_a_video_of_which_nothing_was_said_has_failed(stub, clip_path, tmp_path):
    stub.answer = lambda asked: (400, b"indecent", {})
    expert = asking(stub, tmp_path)
    assert shown(expert, clip_path, tmp_path) is None
    _, row = kept(expert, clip_path, tmp_path)
    assert (row.failed, row.count, row.reason.endswith("answers 400 indecent")) == (True, 0, True)


def test_a_server_that_is_gone_fails_the_expert_and_no_video(clip_path, tmp_path):
    with running(Stub()) as one:
        expert = asking(one, tmp_path)
    error = shown(expert, clip_path, tmp_path)
    assert isinstance(error, OutageError)
    assert store.rows(tmp_path / fingerprint(expert.recipe) / "mine") == {}


def test_a_changed_prompt_asks_again_and_the_old_one_does_not(stub, clip_path, tmp_path):
    other = named("rgb_light").recipe
    first = asking(stub, tmp_path)
    shown(first, clip_path, tmp_path)
    shown(asking(stub, tmp_path), clip_path, tmp_path)
    assert len(stub.requests) == 3, "what was said is kept"
    changed = asking(stub, tmp_path, prompt="Who is there?")
    shown(changed, clip_path, tmp_path)
    assert len(stub.requests) == 6
    assert stub.requests[-1][1]["messages"][0]["content"][-1]["text"] == "Who is there?"
    shown(asking(stub, tmp_path), clip_path, tmp_path)
    assert len(stub.requests) == 6
    assert named("rgb_light").recipe == other


def test_prompt_and_model_are_in_the_recipe_and_the_address_is_not(stub, tmp_path):
    recipe = asking(stub, tmp_path).recipe
    with running(Stub()) as elsewhere:
        assert asking(elsewhere, tmp_path).recipe == recipe
    for changed in ({"prompt": "Who?"}, {"network": "server/me/other"}, {"frames": 3}, {"max_tokens": 9}):
        assert asking(stub, tmp_path, **changed).recipe != recipe
    assert recipe["weights"] == {"network": "server/me/tiny"}
    assert asking(stub, tmp_path).extractor.weight_files() == {}


def test_a_server_without_an_address_is_told_where_to_write_it(tmp_path):
    expert = Expert(Params("server/me/tiny"))
    with pytest.raises(ExtractionError, match=r"runtime: \{server: http://127.0.0.1:8000/v1\}"):
        expert.load("cpu")


@pytest.mark.parametrize(
    "wrong",
    [
        {"network": "server/"},
        {"network": "gpt"},
        {"network": "transformers/a"},
        {"clip_s": 0},
        {"frames": 0},
        {"prompt": " "},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        Params(**({"network": "server/me/tiny"} | wrong))


@pytest.mark.parametrize(
    "address", ["ftp://host/v1", "host:8000", "http://me:secret@host/v1", "http://", "http://h/v1?k=1"]
)
def test_an_address_that_is_none_is_refused(stub, tmp_path, address):
    stub.address = address
    with pytest.raises(ConfigError, match=r"mine\.yaml.*server"):
        asking(stub, tmp_path)


def test_the_files_of_a_network_are_parts_of_its_weights():
    shipped = registry.expert("captions", EXPERTS)
    assert {"network", "config", "tokenizer", "words"} <= shipped.extractor.weight_files().keys()
    assert config.parse(Params, {"network": "server/a", "words": {"dim": 4}}, "x").words == EncoderParams(dim=4)
    assert captions.SERVER == "server/"


def of_file(folder, *lines):
    """The expert "mine" of a YAML that names a file with these lines."""
    (folder / "captions.jsonl").write_text("\n".join(lines))
    file = {"url": "https://example.org/captions.jsonl", "place": "captions.jsonl"}
    told = {"extractor": "captions", "modality": "captions", "params": {"network": "file", "words": WORDS}}
    (folder / "mine.yaml").write_text(yaml.safe_dump(told | {"weights": {"captions": file}}))
    return registry.expert("mine", folder, WeightOptions(folder, offline=True))


def test_captions_of_a_file_are_rows_with_its_times(clip_path, tmp_path):
    expert = of_file(
        tmp_path,
        '{"video": "clip", "start_s": 1, "end_s": 99, "text": "He eats."}',
        '{"video": "clip", "start_s": 0, "end_s": 1, "text": "He cooks."}',
        '{"video": "clip", "start_s": 50, "end_s": 51, "text": "After the end."}',
    )
    assert shown(expert, clip_path, tmp_path) is None
    features, row = kept(expert, clip_path, tmp_path)
    assert features.extras["text"].tolist() == ["He", "cooks", "He", "eats"]
    assert features.times_s[::2].tolist() == [[0, 1], [1, pytest.approx(3.0, abs=0.05)]]
    assert not row.failed


def test_of_a_clip_of_a_file_what_lies_within_it_is_a_row(tmp_path):
    lines = [(0, 41, "Early."), (42, 44, "Within."), (49, 60, "Late."), (50, 52, "After.")]
    told = [f'{{"video": "clip", "start_s": {start}, "end_s": {end}, "text": "{text}"}}' for start, end, text in lines]
    expert = of_file(tmp_path, *told).extractor
    expert.load("cpu")
    view = WordView(np.array(["40.0 /my films/clip.mp4"]), np.array([[0.0, 10.0]]))
    embedded = expert.embed(expert.prepare(view))
    assert embedded.extras["text"].tolist() == ["Early", "Within", "Late"]
    assert embedded.times_s.tolist() == [[0, 1], [2, 4], [9, 10]]


def test_a_changed_file_of_captions_makes_another_recipe_and_a_missing_one_is_told(clip_path, tmp_path):
    one = of_file(tmp_path, '{"video": "clip", "text": "One."}').recipe
    assert of_file(tmp_path, '{"video": "clip", "text": "Two."}').recipe != one
    assert of_file(tmp_path, '{"video": "clip", "text": "One."}').recipe == one
    expert = of_file(tmp_path, '{"video": "other", "text": "One."}')
    assert shown(expert, clip_path, tmp_path) is None
    _, row = kept(expert, clip_path, tmp_path)
    assert (row.count, row.failed) == (0, False), "nothing is said of it"
    with pytest.raises(WeightsError, match="needs a file under weights: captions:"):
        Expert(Params("file")).weight_files()
