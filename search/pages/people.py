"""The requests about people: what is known of them, switching them on and off, naming them, deleting them.

Each request that changes something must come from this page: it needs a header that other sites cannot send.
"""

from dataclasses import dataclass

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from starlette.concurrency import run_in_threadpool

from pipeline.errors import DecodeError, RemoteError
from search.collection import Collection
from search.pages.examples import from_this_page
from search.pages.faces import FacePicture
from search.pages.files import file_of
from search.pages.kept import Kept
from search.pages.media_workers import PICTURES
from search.people import names
from search.people.people import Person

MOST_SHOWN = 500
MOST_BYTES = 4 * names.LONGEST_NAME
KEPT_BYTES = 8 << 20
"""Of pictures of faces, in memory."""


@dataclass(frozen=True)
class FoundPerson:
    """Faces that are alike."""

    number: int
    """Names the person in /api/people/NUMBER, as long as the index is the same."""
    name: str
    """Empty where the user has given none."""
    num_faces: int
    num_videos: int
    key: str
    """Of the video with the most telling face."""
    at_s: float
    """When it is seen there."""


@dataclass(frozen=True)
class PeopleFacts:
    """What is known of the people of the collection."""

    is_on: bool
    is_possible: bool
    """Whether an expert of the collection sees faces."""
    expert: str
    """The expert whose faces are compared."""
    num_people: int
    people: tuple[FoundPerson, ...]
    """Those of the most faces, named ones first."""


FromThisPage = Depends(from_this_page)


def add_people(app: FastAPI, collection: Collection) -> None:
    """Adds the requests about people."""
    kept = Kept(KEPT_BYTES)

    @app.get("/api/people", tags=["people"])
    def known() -> PeopleFacts:
        """The people of the collection; none while they are switched off."""
        return _facts(collection)

    @app.get("/api/people/{number}/face", tags=["people"], response_class=Response)
    def face(number: int) -> Response:
        """A JPEG of the most telling face of a person."""
        found = next((one for one in collection.people.all() if one.number == number), None)
        if found is None:
            raise HTTPException(404, "There is no such person")
        return Response(_face(collection, found, kept), media_type="image/jpeg", headers={"Cache-Control": "no-store"})

    _add_changes(app, collection, kept)


def _add_changes(app: FastAPI, collection: Collection, kept: Kept) -> None:
    people = collection.people

    @app.put("/api/people", tags=["people"], dependencies=[FromThisPage])
    def switch(on: bool) -> PeopleFacts:
        """Switches people on or off. Names are kept; nothing is compared before it is on."""
        people.switch(on)
        return _facts(collection)

    @app.delete("/api/people", tags=["people"], dependencies=[FromThisPage])
    def delete() -> PeopleFacts:
        """Switches people off, and deletes all names."""
        people.delete()
        kept.clear()
        return _facts(collection)

    @app.put("/api/people/{number}", tags=["people"], dependencies=[FromThisPage], status_code=204)
    async def name(number: int, request: Request) -> Response:
        """Gives a person the name that is the body of the request, as text; an empty one takes it away."""
        try:
            await run_in_threadpool(people.name, number, (await _received(request)).decode())
        except UnicodeDecodeError:
            raise HTTPException(422, "A name is text in UTF-8") from None
        return Response(status_code=204)


async def _received(request: Request) -> bytes:
    """The body of a request that holds a name; HTTPException 413 for a longer one."""
    body = b""
    async for block in request.stream():
        body += block
        if len(body) > MOST_BYTES:
            raise HTTPException(413, f"A name has {names.LONGEST_NAME} letters at most")
    return body


def _face(collection: Collection, person: Person, kept: Kept) -> bytes:
    """A JPEG of the most telling face of a person; HTTPException 404 where its video is gone."""
    features, face = collection.people.features, int(person.faces[0])
    entry, boxes_px = collection.videos[int(person.rows[0])], features.boxes_px
    box = None if boxes_px is None else tuple(boxes_px[face].tolist())
    short_px = collection.example_experts.short_px(collection.people.expert)
    try:
        at_s = entry.start_s + float(features.times_s[face, 0])
        job = FacePicture(file_of(collection, entry.key)[1], at_s, box, short_px)
        return kept.get(job, lambda: PICTURES.run(job))
    except (DecodeError, RemoteError, FileNotFoundError):
        raise HTTPException(404, "The video of this face is not here") from None


def _facts(collection: Collection) -> PeopleFacts:
    people = collection.people
    found = people.all()
    shown = sorted(found, key=lambda one: (not one.name, one.number))[:MOST_SHOWN]
    entries = collection.videos.some([int(one.rows[0]) for one in shown])
    told = tuple(
        FoundPerson(
            one.number,
            one.name,
            len(one.faces),
            len(set(one.rows.tolist())),
            entry.key,
            float(people.features.times_s[one.faces[0], 0]),
        )
        for one, entry in zip(shown, entries, strict=True)
    )
    return PeopleFacts(people.is_on, bool(people.expert), people.expert, len(found), told)
