"""Asks a server that speaks OpenAI's protocol (vLLM, llama.cpp, Ollama, LM Studio, a company's own) to describe clips.

A clip is one chat completion with its frames as JPEG images. What the server cannot do for one clip is a fault of that
clip; a server that is gone, or takes no more requests, is the fault of all.
"""

import base64
import functools
import io
import os
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from extractors.captioning.describer import Describer, Description
from extractors.captioning.parallel import in_parallel
from extractors.captioning.plain import plain
from pipeline.errors import ExtractionError, OutageError
from pipeline.plain_data import parse_json

if TYPE_CHECKING:
    import requests

KEY = "CAPTIONS_API_KEY"
"""Environment variable with the key of the server, if it wants one."""
TRIES = 3
WAIT_S = 1.0
"""Before the second try; then twice as long."""
LONGEST_WAIT_S = 30.0
"""However long the server asks to wait."""
CONNECT_S = 10.0
MOST_BYTES = 1_000_000
"""Of an answer."""
JPEG_QUALITY = 90
_WAIT = {429, 503}
"""Too many requests, and no service now: true of all clips."""
_AGAIN = {408, 500, 502, 504} | _WAIT
_REFUSED = {401, 403, 404}
"""The key is wrong, or there is no such model: true of all clips, however often they are sent."""


class _ClipError(Exception):
    """What the server cannot do for one clip."""


class _PassingError(Exception):
    """A failure that a second try may not meet."""

    def __init__(self, why: str, is_of_all: bool = False, wait_s: float = 0.0) -> None:
        super().__init__(why)
        self.is_of_all = is_of_all
        self.wait_s = wait_s


class Server(Describer):
    """A model on a server, with what it is asked."""

    def __init__(self, address: str, model: str, prompt: str, most_tokens: int, timeout_s: float) -> None:
        """`address`: up to and with /v1; `timeout_s`: of one request."""
        self._address = address.rstrip("/")
        self._asked = {"model": model, "max_tokens": most_tokens, "temperature": 0, "seed": 0, "stream": False}
        self._model, self._prompt, self._timeout_s = model, prompt, timeout_s

    @property
    def _host(self) -> str:
        return f"the server at {urlsplit(self._address).netloc}"

    def describe(self, clips: NDArray[np.uint8]) -> list[Description]:
        """As `Describer.describe`; all clips are asked about at once, equal ones once."""
        different = {clip.tobytes(): clip for clip in clips}
        longest_s = TRIES * (self._timeout_s + CONNECT_S + LONGEST_WAIT_S)
        told = in_parallel([functools.partial(self._described, clip) for clip in different.values()], longest_s)
        late = Description(fault=f"{self._host} did not answer in {longest_s:g} s")
        by_clip = dict(zip(different, (one or late for one in told), strict=True))
        if None in told:
            self.check()
        return [by_clip[clip.tobytes()] for clip in clips]

    def check(self) -> None:
        """OutageError where the server does not answer at all."""
        try:
            self._request("GET", "/models", None)
        except _PassingError as error:
            advice = "start it, or name another under runtime: server: in the expert's YAML; then run again"
            raise OutageError(f"{self._host}: {error}; {advice}") from None
        except _ClipError:
            pass  # it answers, though it lists no models

    def _described(self, clip: NDArray[np.uint8]) -> Description:
        """What the server says of a clip, after at most TRIES tries."""
        content = [{"type": "image_url", "image_url": {"url": _data_url(frame)}} for frame in clip]
        messages = [{"role": "user", "content": [*content, {"type": "text", "text": self._prompt}]}]
        wait_s = WAIT_S
        for last in (False,) * (TRIES - 1) + (True,):
            try:
                text = plain(_text_of(self._request("POST", "/chat/completions", self._asked | {"messages": messages})))
                return Description(text) if text else Description(fault=f"{self._model} said nothing of a clip")
            except _ClipError as error:
                return Description(fault=f"{self._host}: {error}")
            except _PassingError as error:
                if last:
                    return self._given_up(error)
                time.sleep(min(max(wait_s, error.wait_s), LONGEST_WAIT_S))
                wait_s *= 2
        raise AssertionError("the last try returns")

    def _given_up(self, error: _PassingError) -> Description:
        """The fault of one clip; OutageError where it is that of all."""
        if error.is_of_all:
            raise OutageError(f"{self._host}: {error}; run again when it takes requests")
        self.check()
        return Description(fault=f"{self._host}: {error}")

    def _request(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        """What the server answers, as plain data; ExtractionError where it never will answer."""
        import requests
        from urllib3.exceptions import HTTPError

        key = os.environ.get(KEY, "").strip()
        headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {key}"} if key else {})
        until_s = time.monotonic() + self._timeout_s
        try:
            with requests.request(
                method, self._address + path, json=body, headers=headers, timeout=(CONNECT_S, self._timeout_s),
                stream=True, allow_redirects=False, auth=lambda prepared: prepared,  # or ~/.netrc would be sent
            ) as response:  # fmt: skip
                answer = _body(response, until_s)
        except (requests.RequestException, HTTPError, OSError) as error:
            raise _passing(error, self._timeout_s) from None
        if method == "POST":
            self._refuse_status(response, answer)
        elif response.status_code in _AGAIN:
            raise _PassingError(f"answers {response.status_code}", is_of_all=True)
        try:
            return parse_json(answer.decode("utf-8", "replace"))
        except ValueError:
            raise _ClipError("its answer is no JSON") from None

    def _refuse_status(self, response: "requests.Response", answer: bytes) -> None:
        status = response.status_code
        if status == 200:
            return
        why = f"answers {status} {plain(answer.decode('utf-8', 'replace'), 200)}".rstrip()
        if status in _REFUSED or 300 <= status < 400:
            raise ExtractionError(f"{self._host}: {why}; is {self._model!r} served there, and the key in {KEY} right?")
        if status in _AGAIN:
            asked = response.headers.get("Retry-After", "")
            raise _PassingError(why, status in _WAIT, float(asked) if asked.isdecimal() else 0.0)
        raise _ClipError(why)


def _body(response: "requests.Response", until_s: float) -> bytes:
    """All of an answer. Read piece by piece: a server that sends a byte a second would else never be late."""
    body = bytearray()
    while piece := response.raw.read1(1 << 16):
        body += piece
        if len(body) > MOST_BYTES:
            raise _ClipError(f"its answer is longer than {MOST_BYTES / 1e6:g} MB")
        if time.monotonic() > until_s:
            raise TimeoutError
    return bytes(body)


def _passing(error: Exception, timeout_s: float) -> _PassingError:
    """The error as one line; its own text may hold the whole request."""
    import requests

    if isinstance(error, TimeoutError | requests.ReadTimeout) or "imed out" in str(error):
        return _PassingError(f"no answer in {timeout_s:g} s")
    if isinstance(error, requests.exceptions.SSLError):
        return _PassingError("its certificate is not valid, or it speaks no https", is_of_all=True)
    return _PassingError("does not answer, or broke off")


def _text_of(answer: Any) -> str:
    """The text of a chat completion."""
    try:
        content = answer["choices"][0]["message"]["content"]
        if isinstance(content, list):
            content = " ".join(str(part["text"]) for part in content if part.get("type") == "text")
    except (KeyError, IndexError, TypeError, AttributeError):
        raise _ClipError("its answer is no chat completion") from None
    return content if isinstance(content, str) else ""


def _data_url(frame: NDArray[np.uint8]) -> str:
    """A frame (H, W, 3) RGB as a JPEG inside an address."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(frame).save(file, "JPEG", quality=JPEG_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
