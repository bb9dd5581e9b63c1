"""The requests that ask by example: a picture, a sound or a clip that is sent, or a moment of a video that is here.

What is sent lies in a temporary file until it is read, and then is what the experts saw of it, in memory: of so many
examples the last ones are kept, for paging and filters. Nothing of it is written anywhere, or sent on.
"""

import re
import secrets
import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, NoReturn

from fastapi import Depends, FastAPI, HTTPException, Query, Request
from starlette.concurrency import run_in_threadpool

from pipeline.errors import DecodeError, PipelineError
from search import by_example
from search.collection import Collection
from search.engines.example_experts import Example
from search.filters import Options
from search.pages import api
from search.pages.local_files import WRITING
from search.pages.question import QueryOptions

MOST_BYTES = 64 * 2**20
"""Of what is sent."""
MOST_KEPT = 64
"""Examples in memory; each takes a megabyte at most."""
MOST_WAITING = 4
"""Examples that are being received or read at a time; more are refused."""
UPLOAD_S = 60.0
LONGEST_NAME = 200
_MOMENT = re.compile(r"([0-9a-f]{16})@(\d{1,6}(?:\.\d{1,3})?)(?:@([a-z]{1,20}))?")
_SENT = re.compile(r"([0-9a-f]{16})(?:@([a-z]{1,20}))?")


@dataclass(frozen=True)
class FoundByExample(api.FoundVideos):
    """The answer to an example."""

    example: str
    """Names it in /api/example/EXAMPLE."""


class KeptExamples:
    """The examples that were sent, the last MOST_KEPT of them; used by many threads."""

    def __init__(self) -> None:
        self._examples: OrderedDict[str, Example] = OrderedDict()
        self._lock = threading.Lock()
        self.waiting = threading.Semaphore(MOST_WAITING)

    def add(self, example: Example) -> str:
        """Keeps an example; returns its name in addresses, which nobody can guess."""
        name = secrets.token_hex(8)
        with self._lock:
            self._examples[name] = example
            while len(self._examples) > MOST_KEPT:
                self._examples.popitem(last=False)
        return name

    def get(self, name: str) -> Example | None:
        """The example with this name; None when it is not kept any more."""
        with self._lock:
            if name in self._examples:
                self._examples.move_to_end(name)
            return self._examples.get(name)


def from_this_page(request: Request) -> None:
    """Raises HTTPException 403 without a header that pages of other sites cannot send."""
    if request.headers.get(WRITING) != "1":
        raise HTTPException(403, "This request changes or costs something: it needs the header X-Expert-Retrieval: 1")


def add_examples(app: FastAPI, collection: Collection) -> None:
    """Adds the requests that ask by example."""
    kept = KeptExamples()

    @app.post("/api/example", tags=["search"], dependencies=[Depends(from_this_page)])
    async def show(
        request: Request,
        options: QueryOptions,
        name: Annotated[str, Query(max_length=LONGEST_NAME, description="What it is called")] = "",
    ) -> FoundByExample:
        """The videos most like a picture, a sound or a clip, which is the body of the request."""
        if not kept.waiting.acquire(blocking=False):
            raise HTTPException(503, "Other examples are being read; try again in a moment")
        try:
            with tempfile.TemporaryDirectory(prefix="example-") as folder:
                path = Path(folder) / "example"
                await _receive(request, path)
                example = await run_in_threadpool(_shown, collection, path, name)
        finally:
            kept.waiting.release()
        return await run_in_threadpool(_answer, collection, kept.add(example), example, options)

    @app.get("/api/example/{example}", tags=["search"])
    def again(example: str, options: QueryOptions) -> FoundByExample:
        """The videos most like an example that was sent, or like a moment, KEY@SECOND; ...@face: by a face alone."""
        found = _moment(collection, example) or _sent(kept, collection, example)
        return _answer(collection, example, found, options)


def _answer(collection: Collection, name: str, example: Example, options: Options) -> FoundByExample:
    answer = api.found_videos(by_example.find(collection, example, options))
    return FoundByExample(example=name, **vars(answer))


def _moment(collection: Collection, name: str) -> Example | None:
    """The moment of a video that an address names, None where it names none; HTTPException 422 without any."""
    named = _MOMENT.fullmatch(name)
    if named is None:
        return None
    row, second, modality = collection.row(named[1]), float(named[2]), named[3] or ""
    title = f"{collection.videos[row].video_id} at {int(second) // 60}:{int(second) % 60:02}"
    example = collection.examples.moment(row, second, title)
    if not example.features:
        raise HTTPException(422, "No expert saw anything at this moment; choose another, or build the index again")
    return _one_modality(collection, example, modality) if modality else example


def _sent(kept: KeptExamples, collection: Collection, name: str) -> Example:
    """An example that was sent, by all experts or those of one modality; HTTPException 404 or 422 without any."""
    named = _SENT.fullmatch(name)
    example = kept.get(named[1]) if named else None
    if named is None or example is None:
        raise HTTPException(404, "This example is not kept any more; drop or choose it again")
    return _one_modality(collection, example, named[2]) if named[2] else example


def _one_modality(collection: Collection, example: Example, modality: str) -> Example:
    modalities = collection.facts.modalities
    features = {one: its for one, its in example.features.items() if modalities.get(one) == modality}
    if not features:
        raise HTTPException(422, f"No expert of modality {modality} saw anything in this example; choose another")
    return replace(example, features=features, notes=())


def _shown(collection: Collection, path: Path, name: str) -> Example:
    """The example in a file as the experts see it; HTTPException 415 or 422 with the reason where that cannot be."""
    try:
        return collection.example_experts.show(path, name)
    except DecodeError as error:
        _refuse(415, error)
    except PipelineError as error:
        _refuse(422, error)


def _refuse(status: int, error: PipelineError) -> NoReturn:
    raise HTTPException(status, " ".join(str(error).split())) from None


async def _receive(request: Request, path: Path) -> None:
    """Writes the body of a request to a file; HTTPException 413 for more than MOST_BYTES, 408 where it is slow."""
    import anyio

    too_large = HTTPException(
        413, f"An example may have {MOST_BYTES // 2**20} MB at most; cut the clip, or send a frame"
    )
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told[:20]) > MOST_BYTES:
        raise too_large
    size = 0
    try:
        with anyio.fail_after(UPLOAD_S), path.open("wb") as file:
            async for block in request.stream():
                size += len(block)
                if size > MOST_BYTES:
                    raise too_large
                file.write(block)
    except TimeoutError:
        raise HTTPException(408, f"The example did not arrive within {UPLOAD_S:g} s; try again") from None
    if not size:
        raise HTTPException(422, "Nothing was sent: the body of the request is the picture, sound or clip")
