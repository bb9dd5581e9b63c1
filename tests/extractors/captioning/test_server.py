import base64
import io
import json
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from extractors.captioning import server as module
from extractors.captioning.describer import Description
from extractors.captioning.server import KEY, MOST_BYTES, TRIES, Server
from pipeline.errors import ExtractionError, OutageError
from tests.extractors.captioning.stub_server import Stub, completion, running


@pytest.fixture(autouse=True)
def _in_no_time(monkeypatch):
    monkeypatch.setattr(module, "WAIT_S", 0.0)
    monkeypatch.setattr(module, "LONGEST_WAIT_S", 0.0)
    monkeypatch.delenv(KEY, raising=False)


@pytest.fixture
def stub():
    with running(Stub()) as one:
        yield one


def clip(level):
    return np.full((2, 24, 32, 3), level, np.uint8)


CLIPS = np.stack([clip(10), clip(200)])


def asking(stub, timeout_s=10.0, **changed):
    return Server(
        **({"address": stub.address, "model": "me/tiny", "prompt": "What is it?", "most_tokens": 9} | changed),
        timeout_s=timeout_s,
    )


def level_of(asked):
    """The grey of the first picture of a request."""
    (address,) = [part["image_url"]["url"] for part in asked["messages"][0]["content"] if part["type"] == "image_url"][
        :1
    ]
    return int(np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))).mean())


def test_a_clip_is_a_chat_completion_with_its_frames_and_the_prompt(stub):
    stub.answer = lambda asked: f"Grey {round(level_of(asked), -1)}."
    assert asking(stub).describe(CLIPS) == [Description("Grey 10."), Description("Grey 200.")]
    path, asked = stub.requests[0]
    assert path == "/v1/chat/completions"
    assert (asked["model"], asked["max_tokens"], asked["temperature"], asked["stream"]) == ("me/tiny", 9, 0, False)
    content = asked["messages"][0]["content"]
    assert [part["type"] for part in content] == ["image_url", "image_url", "text"]
    assert content[-1]["text"] == "What is it?"
    assert content[0]["image_url"]["url"].startswith("data:image/jpeg;base64,")
    assert "Authorization" not in stub.headers[0]


def test_equal_clips_are_asked_about_once(stub):
    assert len(asking(stub).describe(np.stack([clip(1), clip(2), clip(2), clip(2)]))) == 4
    assert len(stub.requests) == 2


def test_the_key_is_that_of_the_environment_and_of_no_file(stub, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    asking(stub).describe(CLIPS[:1])
    monkeypatch.setenv(KEY, " abc\n")
    asking(stub).describe(CLIPS[:1])
    assert [headers.get("Authorization") for headers in stub.headers] == [None, "Bearer abc"]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(stub, status):
    answers = iter([(status, b"", {"Retry-After": "3"}), completion("At last.")])
    stub.answer = lambda asked: next(answers)
    assert asking(stub).describe(CLIPS[:1]) == [Description("At last.")]


def test_the_wait_that_a_server_asks_for_is_kept_up_to_a_limit(stub, monkeypatch):
    waited = []
    monkeypatch.setattr(module, "LONGEST_WAIT_S", 5.0)
    # In place of the module there: threads of pools that other tests have left sleep too.
    monkeypatch.setattr(module, "time", SimpleNamespace(sleep=waited.append, monotonic=time.monotonic))
    answers = iter([(429, b"", {"Retry-After": "3"}), (503, b"", {"Retry-After": "9999"}), completion("At last.")])
    stub.answer = lambda asked: next(answers)
    asking(stub).describe(CLIPS[:1])
    assert waited == [3.0, 5.0]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((400, b'{"error": "no\x1b pictures"}', {}), 'answers 400 {"error": "no pictures"}'),
        ((500, b"cuda out of memory", {}), "answers 500 cuda out of memory"),
        ((200, b"<html>", {}), "its answer is no JSON"),
        ((200, b"[" * 100_000, {}), "its answer is no JSON"),
        ((200, b'{"choices": []}', {}), "its answer is no chat completion"),
        ((200, b'"text"', {}), "its answer is no chat completion"),
        ((200, b" " * (MOST_BYTES + 1), {}), "its answer is longer than 1 MB"),
        ((200, b"{}", {"Content-Length": "100"}), "does not answer, or broke off"),
    ],
)
def test_what_fails_for_one_clip_is_a_fault_of_that_clip(stub, answer, why):
    stub.answer = lambda asked: answer if level_of(asked) < 100 else "It is bright."
    host = stub.address.split("/")[2]
    faulty, bright = asking(stub, timeout_s=2.0).describe(CLIPS)
    assert faulty == Description(fault=f"the server at {host}: {why}")
    assert bright == Description("It is bright.")


@pytest.mark.parametrize("said", ["", "\n", "<think>hm</think>", None])
def test_nothing_said_is_a_fault(stub, said):
    stub.answer = lambda asked: completion(said)
    assert asking(stub).describe(CLIPS[:1]) == [Description(fault="me/tiny said nothing of a clip")]


def test_text_in_parts_is_joined_and_a_long_one_cut(stub):
    stub.answer = lambda asked: completion(
        [{"type": "text", "text": "A man"}, {"type": "text", "text": "cooks. " * 9999}]
    )
    (told,) = asking(stub).describe(CLIPS[:1])
    assert told.text.startswith("A man cooks. cooks.")
    assert len(told.text) <= 2000


@pytest.mark.parametrize("status", [302, 401, 403, 404])
def test_a_wrong_key_model_or_address_ends_the_run_of_the_expert(stub, status):
    stub.answer = lambda asked: (status, b"no such model", {"Location": "http://example.org/"})
    with pytest.raises(ExtractionError, match=rf"answers {status}( no such model)?; is .me/tiny. served there"):
        asking(stub).describe(CLIPS[:1])
    assert len(stub.requests) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_takes_no_more_requests_is_an_outage(stub, status):
    stub.answer = lambda asked: (status, b"quota", {})
    with pytest.raises(OutageError, match=rf"answers {status} quota; run again"):
        asking(stub).describe(CLIPS[:1])
    assert len(stub.requests) == TRIES


def test_a_server_that_is_gone_is_an_outage():
    with running(Stub()) as one:
        gone = asking(one)
        gone.check()
    with pytest.raises(OutageError, match="does not answer, or broke off; start it, or name another"):
        gone.check()
    with pytest.raises(OutageError, match="does not answer"):
        gone.describe(CLIPS)


def test_a_server_that_fails_at_everything_is_an_outage(stub):
    stub.answer = lambda asked: (500, b"", {})
    stub.models = 502, b"", {}
    with pytest.raises(OutageError, match="answers 502"):
        asking(stub).describe(CLIPS[:1])


@pytest.mark.parametrize("models", [(200, b"{}", {}), (404, json.dumps({"error": 1}).encode(), {}), (200, b"no", {})])
def test_a_server_that_lists_no_models_is_there(stub, models):
    stub.models = models
    asking(stub).check()


def test_an_answer_that_does_not_come_is_a_fault_of_the_clip_while_the_server_lives(stub):
    free = threading.Event()
    stub.answer = lambda asked: free.wait(20) and "late"
    try:
        (told,) = asking(stub, timeout_s=0.2).describe(CLIPS[:1])
    finally:
        free.set()
    assert told.fault.endswith("no answer in 0.2 s")
