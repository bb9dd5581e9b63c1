"""What Whisper may write next: the logit filters of openai-whisper, for all windows of a batch at once.

openai-whisper goes through the windows one by one in Python, and asks the GPU for a number several times for each of
them, at each token. These mask the same logits by a fixed number of operations, whatever the size of the batch, and ask
for none. B windows, V tokens of the vocabulary, W tokens so far, N of them written (the others are the prompt).
"""

import math
from collections.abc import Sequence
from typing import Any, Protocol

import torch

FORBIDDEN = -math.inf


class LogitFilter(Protocol):
    """What a DecodingTask of whisper calls before each token."""

    def apply(self, logits: torch.Tensor, tokens: torch.Tensor) -> None:
        """Mask the logits (B, V) in place, given the tokens so far (B, W)."""


def batched_filters(task: Any, device: torch.device) -> list[LogitFilter]:
    """The logit filters of whisper's DecodingTask, in their order, each replaced by one that does the same to a batch.

    A filter of another kind stays as it is.
    """
    return [_batched(one, task, device) for one in task.logit_filters]


def _batched(one: Any, task: Any, device: torch.device) -> LogitFilter:
    from whisper.decoding import ApplyTimestampRules, SuppressBlank, SuppressTokens

    if isinstance(one, SuppressBlank):
        blank = [*one.tokenizer.encode(" "), one.tokenizer.eot]
        return _Suppressed(blank, device, only_after=one.sample_begin)
    if isinstance(one, SuppressTokens):
        return _Suppressed(one.suppress_tokens, device)
    if isinstance(one, ApplyTimestampRules):
        return _TimestampRules(one, torch.arange(task.model.dims.n_vocab, device=device))
    kept: LogitFilter = one
    return kept


class _Suppressed:
    """Forbids some tokens: always, or only after a number of tokens."""

    def __init__(self, forbidden: Sequence[int], device: torch.device, only_after: int | None = None) -> None:
        self._forbidden = torch.tensor(forbidden, dtype=torch.int64, device=device)
        self._only_after = only_after

    def apply(self, logits: torch.Tensor, tokens: torch.Tensor) -> None:
        if self._only_after in (None, tokens.shape[1]):
            logits.index_fill_(1, self._forbidden, FORBIDDEN)


class _TimestampRules:
    """Timestamps come in pairs, never go back, and are written where they are likelier together than any text.

    The ids of text tokens lie below that of the end token, those of timestamps above all others.
    """

    def __init__(self, rules: Any, ids: torch.Tensor) -> None:
        """`rules`: whisper's ApplyTimestampRules. `ids`: all tokens (V,), on the device."""
        self._end, self._begin = rules.tokenizer.eot, rules.tokenizer.timestamp_begin
        self._no_timestamps = rules.tokenizer.no_timestamps
        self._num_prompt = rules.sample_begin
        self._latest_first = rules.max_initial_timestamp_index
        self._ids = ids

    def apply(self, logits: torch.Tensor, tokens: torch.Tensor) -> None:
        logits[:, self._no_timestamps].fill_(FORBIDDEN)
        written = tokens[:, self._num_prompt :]
        if written.shape[1]:
            self._mask_after(written, logits)
        else:
            self._mask_first(logits)
        self._mask_text_where_a_timestamp_is_likelier(logits)

    def _mask_first(self, logits: torch.Tensor) -> None:
        """The first token is a timestamp, and an early one."""
        logits[:, : self._begin].fill_(FORBIDDEN)
        if self._latest_first is not None:
            logits[:, self._begin + self._latest_first + 1 :].fill_(FORBIDDEN)

    def _mask_after(self, written: torch.Tensor, logits: torch.Tensor) -> None:
        """What may follow the written tokens (B, N)."""
        is_timestamp = written >= self._begin
        last = is_timestamp[:, -1:]
        before = is_timestamp[:, -2:-1] if written.shape[1] > 1 else torch.ones_like(last)
        # After text and one timestamp no text may come: the timestamp of the next segment, or the end.
        is_single = last > before
        _forbid(logits[:, : self._end], is_single)
        # The next timestamp is above the latest one, or equal to it if a segment begins where the one before ended.
        # Where there is none yet, this takes some text token: it is below all timestamps, and none is masked.
        places = is_timestamp * self._ids[1 : written.shape[1] + 1]
        lowest = written.gather(1, places.argmax(dim=1, keepdim=True)) + ~is_single
        # After two timestamps only text may come.
        lowest.masked_fill_(last & before, logits.shape[1])
        logits[:, self._begin :].masked_fill_(self._ids[self._begin :] < lowest, FORBIDDEN)

    def _mask_text_where_a_timestamp_is_likelier(self, logits: torch.Tensor) -> None:
        """Rows whose timestamps are likelier together than any other token go on with a timestamp."""
        log_probabilities = logits.float().log_softmax(dim=-1)
        timestamps = log_probabilities[:, self._begin :].logsumexp(dim=-1, keepdim=True)
        others = log_probabilities[:, : self._begin].amax(dim=-1, keepdim=True)
        _forbid(logits[:, : self._begin], timestamps > others)


def _forbid(logits: torch.Tensor, rows: torch.Tensor) -> None:
    """Mask the logits (B, S) of some rows (B, 1) in place."""
    # Not logits.masked_fill_: on a CPU it takes number by number, and six times as long.
    limit = logits.new_full(rows.shape, math.inf).masked_fill_(rows, FORBIDDEN)
    logits.clamp_max_(limit)
