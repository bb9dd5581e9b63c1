"""The list of what was found as a file: CSV for a spreadsheet, JSON for a program."""

import csv
import dataclasses
import io
import json
from dataclasses import replace
from typing import Annotated, Literal

from fastapi import FastAPI, HTTPException, Query, Response

from pipeline.texts.cells import cell
from search.collection import Collection
from search.pages import api
from search.pages.clips import attachment
from search.pages.question import LONGEST_QUERY, QueryOptions

MOST = 1000
COLUMNS = (
    "rank",
    "video",
    "second",
    "duration_s",
    "score",
    "similarity",
    "found_by",
    "words",
    "seen",
    "captions",
    "key",
    "file",
    "start_s",
    "end_s",
)


def csv_of(found: api.FoundVideos) -> str:
    """The hits as CSV, with a head line and a byte order mark, by which spreadsheets know that it is UTF-8."""
    file = io.StringIO()
    lines = csv.writer(file)
    lines.writerow(COLUMNS)
    for rank, hit in enumerate(found.hits, 1):
        engines = "; ".join(f"{engine} #{one.rank}" for engine, one in hit.found_by.items())
        words = "; ".join(f"{word.text} {word.start_s:.1f} s" for word in hit.words)
        seen = "; ".join(f"{one.label} {one.score:.2f} {one.start_s:.1f} s" for one in hit.seen)
        similarity = "" if hit.similarity is None else round(hit.similarity, 4)
        numbers = (round(hit.best_s, 2), round(hit.duration_s, 2), round(hit.score, 6), similarity)
        texts = (cell(engines), cell(words), cell(seen), cell(" | ".join(hit.captions)), cell(hit.key))
        span = (cell(hit.file), round(hit.start_s, 3), round(hit.end_s, 3))
        lines.writerow((rank, cell(hit.video_id), *numbers, *texts, *span))
    return "\ufeff" + file.getvalue()


def add_export(app: FastAPI, collection: Collection) -> None:
    """Adds /api/export."""

    @app.get("/api/export", tags=["search"], response_class=Response)
    def export(
        options: QueryOptions,
        q: Annotated[str, Query(max_length=LONGEST_QUERY, description="What to look for, in words")] = "",
        similar: Annotated[str, Query(max_length=LONGEST_QUERY, description="Or the key of a video")] = "",
        form: Annotated[Literal["csv", "json"], Query(alias="format")] = "csv",
        most: Annotated[int, Query(ge=1, le=MOST, description="Hits at most")] = MOST,
    ) -> Response:
        """The list of a search, or of what is like a video, as a file to keep: as many hits as `most`."""
        if bool(q) == bool(similar):
            raise HTTPException(422, "Ask for q or for similar")
        wanted = replace(options, k=most, offset=0)
        answer = collection.search(q, options=wanted) if q else collection.similar(similar, options=wanted)
        found = api.found_videos(answer)
        name = f"{collection.facts.dataset} - {answer.query[:80]}.{form}"
        headers = {"Content-Disposition": attachment(name)}
        if form == "csv":
            return Response(csv_of(found), media_type="text/csv; charset=utf-8", headers=headers)
        plain = json.dumps(dataclasses.asdict(found), ensure_ascii=False, indent=1)
        return Response(plain, media_type="application/json", headers=headers)
