import itertools
import math
import warnings
from types import SimpleNamespace

import pytest
import torch
from whisper import DecodingOptions, ModelDimensions, Whisper, decoding

from extractors.networks.whisper_rules import batched_filters
from tests.devices import EVERY_DEVICE, GPU, gpu_only
from tests.extractors.private_api import assert_there
from tests.extractors.torch_operations import WAITS, Operations

ENGLISH_ONLY, MULTILINGUAL, LARGE_V3 = 51864, 51865, 51866
"""Tokens in the vocabularies of Whisper's networks, each with other special tokens."""
USED = "extractors/networks/whisper_rules.py does the same to all windows of a batch at once"
OPTIONS = {
    "as the expert decodes": {},
    "timestamps unlimited": {"max_initial_timestamp": None},
    "timestamps within 0.4 s": {"max_initial_timestamp": 0.4},
    "without timestamps": {"without_timestamps": True},
    "all symbols and blanks": {"suppress_tokens": "", "suppress_blank": False},
    "some tokens forbidden": {"suppress_tokens": [0, 7, 50000]},
    "after a longer prompt": {"prompt": "the words before", "prefix": "and the first ones", "sample_len": 8},
}
TEXT, STAMP, ZERO, END = KINDS = "text", "stamp", "stamp of 0 s", "end"


def task_of(vocabulary=MULTILINGUAL, **options):
    """Whisper's own way of decoding, for a network of a size that is built at once."""
    network = Whisper(ModelDimensions(80, 4, 4, 1, 1, vocabulary, 448, 4, 1, 1))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=ResourceWarning)  # whisper leaves its vocabulary's file open
        return decoding.DecodingTask(network, DecodingOptions(language="en", fp16=False, **options))


def masked(filters, logits, tokens):
    """A copy of the logits, masked by the filters."""
    copied = logits.clone()
    for one in filters:
        one.apply(copied, tokens)
    return copied


def assert_same(task, logits, tokens, device="cpu"):
    """What whisper's filters leave of the logits, which ours leave too, to the bit."""
    logits, tokens = logits.to(device), tokens.to(device)
    expected = masked(task.logit_filters, logits, tokens)
    assert torch.equal(masked(batched_filters(task, torch.device(device)), logits, tokens), expected)
    return expected


def written_by(task, kinds, random):
    """The prompt and after it tokens of these kinds, timestamps in any order."""
    tokenizer = task.tokenizer
    limits = {
        TEXT: (0, tokenizer.eot),
        STAMP: (tokenizer.timestamp_begin, task.model.dims.n_vocab),
        ZERO: (tokenizer.timestamp_begin, tokenizer.timestamp_begin + 1),
        END: (tokenizer.eot, tokenizer.eot + 1),
    }
    drawn = [int(torch.randint(*limits[kind], (1,), generator=random)) for kind in kinds]
    return [*task.initial_tokens, *drawn]


def logits_for(task, rows, random):
    """Logits of such spread and such a weight on timestamps that these are likelier than text in every second row."""
    logits = torch.randn(rows, task.model.dims.n_vocab, generator=random) * 3
    logits[:, task.tokenizer.timestamp_begin :] += torch.randn(rows, 1, generator=random) * 3 + 3
    return logits


@pytest.mark.parametrize("device", EVERY_DEVICE)
@pytest.mark.parametrize("vocabulary", [ENGLISH_ONLY, MULTILINGUAL, LARGE_V3])
def test_after_every_short_history_the_same_is_masked_as_by_whisper(vocabulary, device):
    """All histories of up to three tokens by kind: one timestamp, pairs, none, at the end, after the end token."""
    task, random = task_of(vocabulary), torch.Generator().manual_seed(vocabulary)
    for length in range(4):
        histories = list(itertools.product(KINDS, repeat=length))
        tokens = torch.tensor([written_by(task, kinds, random) for kinds in histories])
        assert_same(task, logits_for(task, len(tokens), random), tokens, device)


@pytest.mark.parametrize("device", EVERY_DEVICE)
@pytest.mark.parametrize("rows", [1, 3, 16])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_after_random_histories_the_same_is_masked_as_by_whisper(options, rows, device):
    task, random = task_of(**options), torch.Generator().manual_seed(rows)
    for length in (0, 1, 2, 5, 40):
        shares = torch.rand(rows, len(KINDS), generator=random) ** 3  # few timestamps in some rows, most in others
        drawn = shares.multinomial(40, replacement=True, generator=random)[:, :length]
        histories = [[KINDS[kind] for kind in row] for row in drawn]
        tokens = torch.tensor([written_by(task, kinds, random) for kinds in histories])
        assert_same(task, logits_for(task, rows, random), tokens, device)


def test_text_is_masked_where_timestamps_are_likelier_and_only_there():
    task, random = task_of(), torch.Generator().manual_seed(0)
    tokens = torch.tensor([written_by(task, [STAMP, TEXT, TEXT], random)] * 16)
    expected = assert_same(task, logits_for(task, 16, random), tokens)
    is_masked = expected[:, : task.tokenizer.timestamp_begin].isneginf().all(dim=1)
    assert 0 < is_masked.sum() < 16


def test_timestamps_as_likely_as_the_likeliest_text_mask_none():
    task, random = task_of(), torch.Generator().manual_seed(0)
    tokens = torch.tensor([written_by(task, [STAMP, TEXT], random)])
    logits = torch.full((1, MULTILINGUAL), -math.inf)
    logits[0, [100, MULTILINGUAL - 1]] = 2.5
    tokens[0, -2] = task.tokenizer.timestamp_begin
    assert assert_same(task, logits, tokens)[0, 100] == 2.5


@pytest.mark.parametrize("kinds", [[], [STAMP], [TEXT], [TEXT, STAMP], [STAMP, STAMP]])
def test_a_row_without_any_possible_token_is_left_as_by_whisper(kinds):
    task, random = task_of(), torch.Generator().manual_seed(0)
    tokens = torch.tensor([written_by(task, kinds, random)] * 3)
    logits = logits_for(task, 3, random)
    logits[0] = -math.inf
    logits[1, task.tokenizer.timestamp_begin :] = -math.inf
    logits[2, : task.tokenizer.timestamp_begin] = -math.inf
    assert_same(task, logits, tokens)


def test_logits_that_are_part_of_a_larger_tensor_are_masked_in_place():
    """Whisper hands over those of the last of several positions."""
    task, random = task_of(), torch.Generator().manual_seed(0)
    everywhere = torch.stack([logits_for(task, 2, random) for _ in range(3)], dim=1)
    before = everywhere.clone()
    tokens = torch.tensor([task.initial_tokens] * 2)
    for one in batched_filters(task, torch.device("cpu")):
        one.apply(everywhere[:, -1], tokens)
    assert torch.equal(everywhere[:, -1], masked(task.logit_filters, before[:, -1], tokens))
    assert torch.equal(everywhere[:, :-1], before[:, :-1])


def operations(rows):
    task, random = task_of(), torch.Generator().manual_seed(0)
    tokens = torch.tensor([written_by(task, [STAMP, TEXT, STAMP], random)] * rows)
    logits, filters = logits_for(task, rows, random), batched_filters(task, torch.device("cpu"))
    with Operations() as seen:
        for one in filters:
            one.apply(logits, tokens)
    return seen.names


def test_a_larger_batch_takes_no_more_operations_and_no_number_is_asked_for():
    names = operations(16)
    assert names == operations(1)
    assert not WAITS & set(names)


@pytest.mark.parametrize("device", [pytest.param(GPU, marks=gpu_only)])
def test_a_gpu_is_not_waited_for(device):
    task, random = task_of(), torch.Generator().manual_seed(0)
    tokens = torch.tensor([written_by(task, [STAMP, TEXT, STAMP], random)] * 4).to(device)
    logits, filters = logits_for(task, 4, random).to(device), batched_filters(task, torch.device(device))
    torch.cuda.set_sync_debug_mode("error")
    try:
        for one in filters:
            one.apply(logits, tokens)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_a_filter_that_is_not_known_stays():
    task, other = task_of(), SimpleNamespace(apply=None)
    task.logit_filters.insert(1, other)
    found = batched_filters(task, torch.device("cpu"))
    assert found[1] is other
    assert len(found) == 4


def test_whispers_filters_are_the_ones_that_are_known():
    """Were they others, those of whisper would stay, which are right, but slow on a GPU."""
    for name in ("ApplyTimestampRules", "SuppressBlank", "SuppressTokens"):
        assert_there("whisper.decoding", name, USED)
    task = task_of()
    assert_there(task, "logit_filters", USED)
    blank, tokens, timestamps = task.logit_filters
    assert_there(blank, "sample_begin", USED)
    assert_there(tokens, "suppress_tokens", USED)
    assert_there(timestamps, "max_initial_timestamp_index", USED)
    for name in ("encode", "eot", "no_timestamps", "timestamp_begin"):
        assert_there(task.tokenizer, name, USED)
    replaced = batched_filters(task, torch.device("cpu"))
    assert not any(isinstance(one, decoding.LogitFilter) for one in replaced)
