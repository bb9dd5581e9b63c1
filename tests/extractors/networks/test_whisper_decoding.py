import math
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import whisper
from whisper import DecodingOptions, ModelDimensions, Whisper

from extractors.networks import whisper_decoding
from extractors.networks.whisper_decoding import RetryPolicy, decode, decode_with_fallback, log_mel, seed_of
from extractors.whisper_speech import Expert, Params
from pipeline.media.audio import read_audio
from pipeline.weights import seeded
from tests.clips import tone
from tests.devices import EVERY_DEVICE
from tests.extractors.private_api import assert_there
from tests.extractors.reference import REFERENCE, with_reference
from tests.extractors.torch_operations import WAITS, Operations

TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
OPTIONS = DecodingOptions(language="en", fp16=False, sample_len=8)


def window(seconds, hz, loudness=1.0):
    return np.pad(loudness * tone(seconds, hz, 16000), (0, 480000 - seconds * 16000)).astype(np.float32)


@with_reference
def test_log_mel_is_that_of_the_reference(media):
    sound = read_audio(media / "audio" / "jfk.flac", 16000, 0.0, 11.0, "kaiser")
    found = log_mel(torch.from_numpy(sound[None]), 80)[0].numpy()
    expected = np.load(REFERENCE / "whisper_logmel_jfk_80.npy")
    assert np.linalg.norm(found - expected) / np.linalg.norm(expected) < 1e-4


def test_the_log_mel_of_a_window_does_not_depend_on_its_neighbours():
    quiet, loud = window(5, 440, 0.01), window(5, 880)
    together = log_mel(torch.from_numpy(np.stack([quiet, loud])), 80)
    torch.testing.assert_close(together[0], log_mel(torch.from_numpy(quiet[None]), 80)[0])


GOOD, UNSURE, REPEATS = {}, {"avg_logprob": -1.5}, {"compression_ratio": 3.0}
SILENT = {"avg_logprob": -1.5, "no_speech_prob": 0.9}
QUIET_REPEATS = {"compression_ratio": 3.0, "no_speech_prob": 0.9}


def result(**judged):
    told = {"avg_logprob": -0.3, "no_speech_prob": 0.01, "compression_ratio": 1.1, "language": "en", "tokens": [1]}
    return SimpleNamespace(**(told | {"audio_features": torch.zeros(2, 3), "text": "x"} | judged))


def tried_by_whisper(script):
    """The temperatures at which openai-whisper's `transcribe` decodes a window that comes out as the script says."""
    asked = []

    def one(segment, options):
        asked.append(options.temperature)
        return result(**script[len(asked) - 1], temperature=options.temperature)

    network = SimpleNamespace(
        device=torch.device("cpu"),
        dims=SimpleNamespace(n_mels=80, n_audio_ctx=1500, n_text_ctx=448),
        is_multilingual=True,
        num_languages=99,
        decode=one,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=ResourceWarning)
        whisper.transcribe(network, window(29, 440), language="en", fp16=False)
    return asked


@pytest.mark.parametrize(
    "script",
    [
        [GOOD],
        [UNSURE, GOOD],
        [REPEATS, UNSURE, GOOD],
        [SILENT],
        [UNSURE, SILENT],
        [QUIET_REPEATS, GOOD],
        [UNSURE] * 6,
    ],
)
def test_a_window_is_tried_as_often_as_whispers_own_transcription_tries_it(monkeypatch, script):
    asked = []

    def decoded(network, mel, options, seeds):
        asked.append(options.temperature)
        return [result(**script[len(asked) - 1])]

    monkeypatch.setattr(whisper_decoding, "decode", decoded)
    decode_with_fallback(
        None, torch.zeros(1, 80, 3000), OPTIONS, RetryPolicy(TEMPERATURES, Expert(Params())._has_failed), int
    )
    assert asked == tried_by_whisper(script)


def test_only_the_windows_that_failed_are_tried_again_together(monkeypatch):
    scripts = {1: [GOOD], 2: [UNSURE, GOOD], 3: [REPEATS, REPEATS, GOOD], 4: [SILENT]}
    batches = []

    def decoded(network, mel, options, seeds):
        batches.append((options.temperature, tuple(seeds), tuple(mel.shape)))
        number = sum(options.temperature > earlier for earlier in TEMPERATURES)
        return [result(**scripts[one][number], text=f"{one} at {options.temperature}") for one in seeds or scripts]

    monkeypatch.setattr(whisper_decoding, "decode", decoded)
    tries = RetryPolicy(TEMPERATURES, Expert(Params())._has_failed)
    found = decode_with_fallback(None, torch.zeros(4, 80, 3000), OPTIONS, tries, [1, 2, 3, 4].__getitem__)
    # From the second try on it is given what was listened to, not the sound.
    assert batches == [(0.0, (), (4, 80, 3000)), (0.2, (2, 3), (2, 2, 3)), (0.4, (3,), (1, 2, 3))]
    assert [one.text for one in found] == ["1 at 0.0", "2 at 0.2", "3 at 0.4", "4 at 0.0"]


def test_where_shapes_must_stay_every_try_has_as_many_windows(monkeypatch):
    scripts = {1: [GOOD], 2: [UNSURE, GOOD], 3: [GOOD]}
    batches = []

    def decoded(network, mel, options, seeds):
        batches.append((tuple(seeds), len(mel)))
        number = int(options.temperature > 0)
        return [result(**scripts[one][number], text=f"{one} at {options.temperature}") for one in seeds or scripts]

    monkeypatch.setattr(whisper_decoding, "decode", decoded)
    tries = RetryPolicy(TEMPERATURES, Expert(Params())._has_failed)
    found = decode_with_fallback(None, torch.zeros(3, 80, 3000), OPTIONS, tries, [1, 2, 3].__getitem__, True)
    assert batches == [((), 3), ((2, 2, 2), 3)]
    assert [one.text for one in found] == ["1 at 0.0", "2 at 0.2", "3 at 0.0"]


@pytest.fixture(scope="module", params=EVERY_DEVICE)
def device(request):
    return request.param


@pytest.fixture(scope="module")
def tiny(device):
    """A Whisper with one narrow layer and stand-in weights."""
    torch.set_num_threads(1)  # on a network this small, threads only wait for each other
    return seeded.fill(Whisper(ModelDimensions(80, 1500, 16, 2, 1, 51865, 448, 16, 2, 1))).eval().to(device)


@pytest.fixture(scope="module")
def mels(device):
    sounds = np.stack([window(5, 440), window(9, 300)])
    return log_mel(torch.from_numpy(sounds).to(device), 80)


@pytest.fixture(autouse=True)
def _quiet_tokenizer():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=ResourceWarning)  # whisper leaves its vocabulary's file open
        yield


USED = "extractors/networks/whisper_decoding.py decodes through it, to sample with a generator per window"
OURS = (whisper_decoding._Greedy(3), whisper_decoding._SeededSampler(1.0, 3, [7, 8], torch.device("cpu")))
"""Our token decoders, for two windows and the end token 3."""


@pytest.mark.parametrize("name", ["DecodingTask", "TokenDecoder"])
def test_the_decoding_of_whisper_is_where_it_was(name):
    assert_there("whisper.decoding", name, USED)


@pytest.mark.parametrize("ours", OURS)
def test_the_token_decoder_of_whispers_task_can_be_replaced(tiny, ours):
    """Were it called otherwise, whisper would silently sample from the global generator again."""
    task = whisper.decoding.DecodingTask(tiny, OPTIONS)
    for name in ("decoder", "logit_filters", "tokenizer", "run"):
        assert_there(task, name, USED)
    assert_there(task.tokenizer, "eot", USED)
    methods = {name for name in vars(whisper.decoding.TokenDecoder) if not name.startswith("_")}
    callable_ones = {name for name in dir(ours) if not name.startswith("_") and callable(getattr(ours, name))}
    assert methods == callable_ones, "whisper calls other methods of a token decoder now"


@pytest.mark.parametrize("ours", OURS)
def test_the_end_of_a_decoding_is_that_of_whispers_greedy_decoder(ours):
    tokens, sums = torch.tensor([[[5, 7, 3]], [[5, 8, 9]]]), torch.tensor([[-1.0], [-2.0]])
    found = ours.finalize(tokens, sums)
    theirs = whisper.decoding.GreedyDecoder(1.0, 3).finalize(tokens, sums)
    torch.testing.assert_close(found[0], theirs[0])
    assert found[1] == theirs[1]


def test_the_likeliest_tokens_are_those_of_whispers_greedy_decoder(device):
    found = expected = torch.zeros(4, 1, dtype=torch.int64, device=device)
    our_sums, their_sums = torch.zeros(4, device=device), torch.zeros(4, device=device)
    ours, theirs = whisper_decoding._Greedy(3), whisper.decoding.GreedyDecoder(0.0, 3)
    num_ended = []
    for logits in torch.randn(8, 4, 5, generator=torch.Generator().manual_seed(5)).to(device):
        found, ended = ours.update(found, logits, our_sums)
        expected, they_ended = theirs.update(expected, logits, their_sums)
        assert torch.equal(found, expected)
        assert torch.equal(our_sums, their_sums)
        assert ended is bool(they_ended)
        num_ended.append(int((found[:, -1] == 3).sum()))
    assert num_ended[0] < num_ended[3] < num_ended[7] == 4, "the windows end one after another"


def test_what_is_drawn_is_what_torch_multinomial_draws_with_the_generator_of_each_window(device):
    """Transcripts stay what they were when it drew them."""
    warm, seeds = 0.7, [5, 6, 7, 8]
    sampler = whisper_decoding._SeededSampler(warm, 3, seeds, torch.device(device))
    generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]
    tokens, sums = torch.zeros(4, 1, dtype=torch.int64, device=device), torch.zeros(4, device=device)
    random = torch.Generator().manual_seed(0)
    for _ in range(3):
        logits = torch.randn(4, 51865, generator=random).to(device)
        tokens, _ = sampler.update(tokens, logits, sums)
        rows = zip((logits / warm).softmax(dim=-1), generators, strict=True)
        expected = [int(row.multinomial(1, generator=generator)) for row, generator in rows]
        assert tokens[:, -1].tolist() == expected


def test_probabilities_that_are_not_numbers_are_an_error_as_for_torch_multinomial(device):
    sampler = whisper_decoding._SeededSampler(1.0, 3, [7, 8], torch.device(device))
    logits, sums = torch.tensor([[0.0, 1.0], [0.0, math.nan]], device=device), torch.zeros(2, device=device)
    with pytest.raises(RuntimeError, match="nan"):
        logits.softmax(dim=-1).cpu().multinomial(1)
    tokens, _ = sampler.update(torch.zeros(2, 1, dtype=torch.int64, device=device), logits, sums)
    with pytest.raises(RuntimeError, match="not numbers"):
        sampler.finalize(tokens[:, None], sums[:, None])


CHANGED = [{}, {"sample_len": 40}, {"language": None}, {"without_timestamps": True}]


@pytest.mark.parametrize("changed", CHANGED, ids=str)
def test_without_sampling_the_results_are_those_of_whisper(tiny, mels, changed):
    options = DecodingOptions(**(vars(OPTIONS) | changed))
    for expected, found in zip(whisper.decode(tiny, mels, options), decode(tiny, mels, options, [1, 2]), strict=True):
        assert (found.tokens, found.language, found.text) == (expected.tokens, expected.language, expected.text)
        judged = [(one.avg_logprob, one.no_speech_prob) for one in (found, expected)]
        # A GPU may add in another order.
        np.testing.assert_allclose(*judged, rtol=1e-5 if tiny.device.type == "cuda" else 0)


@pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")  # whisper sorts a tensor with NumPy
def test_a_search_of_several_beams_is_that_of_whisper(tiny, mels):
    options = DecodingOptions(**(vars(OPTIONS) | {"beam_size": 5}))
    expected = whisper.decode(tiny, mels[1:], options)[0]
    greedy, found = (decode(tiny, mels[1:], one, [1])[0] for one in (OPTIONS, options))
    assert found.tokens == expected.tokens != greedy.tokens


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_python_waits_for_the_gpu_once_a_token_however_many_windows_there_are(tiny, mels, temperature):
    def waits(num_windows, num_tokens):
        options = DecodingOptions(**(vars(OPTIONS) | {"sample_len": num_tokens, "temperature": temperature}))
        with Operations() as seen:
            decode(tiny, mels[:1].expand(num_windows, -1, -1), options, range(num_windows))
        return sum(name in WAITS for name in seen.names)

    assert [waits(windows, 8) - waits(windows, 4) for windows in (1, 3)] == [4, 4]


def test_near_temperature_0_the_likeliest_token_is_drawn(tiny, mels):
    greedy = whisper.decode(tiny, mels, OPTIONS)
    drawn = decode(tiny, mels, DecodingOptions(**(vars(OPTIONS) | {"temperature": 1e-6})), [1, 2])
    assert [one.tokens for one in drawn] == [one.tokens for one in greedy]
    np.testing.assert_allclose([one.avg_logprob for one in drawn], [one.avg_logprob for one in greedy], rtol=1e-4)


def test_the_same_seed_draws_the_same_in_any_company(tiny, mels):
    warm = DecodingOptions(**(vars(OPTIONS) | {"temperature": 1.0}))
    together = [one.tokens for one in decode(tiny, mels, warm, [1, 2])]
    torch.rand(5)  # what else draws numbers does not matter
    assert [decode(tiny, mel[None], warm, [seed])[0].tokens for mel, seed in zip(mels, (1, 2), strict=True)] == together
    assert [one.tokens for one in decode(tiny, mels, warm, [4, 5])] != together


def test_tokens_are_drawn_as_often_as_they_are_likely(device):
    logits = torch.tensor([[0.0, math.log(3.0), -math.inf, 0.0]], device=device)
    draw = whisper_decoding._SeededSampler(0.5, 3, [7], torch.device(device))
    counts = np.zeros(4)
    for _ in range(2000):
        tokens, _ = draw.update(torch.tensor([[0]], device=device), logits, torch.zeros(1, device=device))
        counts[tokens[0, -1]] += 1
    # Logits divided by 0.5 are weights 1, 9, 0, 1.
    np.testing.assert_allclose(counts / 2000, np.array([1, 9, 0, 1]) / 11, atol=0.03)


def test_a_window_that_has_ended_stays_so_and_its_sum_too(device):
    logits, sums = torch.zeros(2, 4, device=device), torch.zeros(2, device=device)
    draw = whisper_decoding._SeededSampler(1.0, 3, [7, 8], torch.device(device))
    tokens, done = draw.update(torch.tensor([[0, 3], [0, 1]], device=device), logits, sums)
    assert tokens[0].tolist() == [0, 3, 3]
    np.testing.assert_allclose(sums.cpu(), [0.0, -math.log(4)], rtol=1e-6)
    assert done == (tokens[1, -1] == 3)


def test_the_seed_of_a_window_is_that_of_its_samples():
    one, same, other = window(5, 440), window(5, 440), window(5, 441)
    assert seed_of(one) == seed_of(same) != seed_of(other)
