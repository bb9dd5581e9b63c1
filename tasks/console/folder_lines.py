"""Lines on a folder that is made searchable: which experts take part, and what it is searched by in the end."""

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pipeline.datasets.manifest import Video
from tasks.console.terminal import printable, say, tell
from tasks.plan.at_hand import Choice
from tasks.plan.inventory import Inventory

if TYPE_CHECKING:
    from search.index.folder import Facts

MOST_NAMED = 3
"""Videos that cannot be read are named up to this number."""
KINDS = {"ocr": "words read", "speech": "words heard", "captions": "descriptions"}
"""Modality of an expert whose words are searched -> how they are called."""


def say_choice(choice: Choice) -> None:
    """Says in one line which expert of a group takes part, and what the others lack."""
    lacking = ", ".join(f"{name} ({why})" for name, why in choice.lacking.items())
    if not choice.expert:
        say(f"No expert for {choice.modality}: {lacking}")
        return
    seeded = ", on stand-in weights: what it finds means nothing" if choice.is_seeded else ""
    say(f"Expert {choice.expert}{seeded}{lacking and f'; better, but not here: {lacking}'}")


def say_summary(inventory: Inventory, index: Path) -> None:
    """Says how many videos there are, which of them cannot be read, and what the index is searched by."""
    from search.index.folder import read_facts

    videos, facts = inventory.manifest(), read_facts(index)
    assert videos is not None, "the index was built from it"
    unread = [_unread(video) for video in videos.videos if video.problem]
    how_many = f", {len(unread)} of which cannot be read" if unread else ""
    tell(f"{videos.dataset}: {count_videos(len(videos.videos))}{how_many}")
    for line in unread[:MOST_NAMED]:
        say(f"  {printable(line)}")
    problems = {video.content for video in videos.videos if video.problem}
    for name in facts.modalities:
        state = inventory.expert_state(inventory.selection.expert(name))
        failed = [row for row in (state.failed if state else []) if row.key not in problems]
        if failed:
            say(f"{name} failed on {count_videos(len(failed))}, e.g.: {failed[0].reason}")
    tell(f"Searched by: {', '.join(_ways(facts)) or 'nothing, since no expert found anything'}")


def _unread(video: Video) -> str:
    """Which video cannot be read, and why; most decoders begin with the name of the file."""
    return f"{video.video_id}: {video.problem.removeprefix(f'{PurePosixPath(video.video_id).name}: ')}"


def _ways(facts: "Facts") -> list[str]:
    """What a query is compared with, e.g. "words read in 5 videos (ocr_light)"."""
    found = {name: count_videos(number) for name, number in facts.seen.items() if number}
    of_kind = ((kind, name) for modality, kind in KINDS.items() for name in found if facts.modalities[name] == modality)
    ways = [f"{kind} in {found[name]} ({name})" for kind, name in of_kind]
    ways += [f"what {found[name]} show ({name})" for name in facts.towers if name in found]
    ways += [f"labels of what {found[name]} show ({name})" for name in facts.labelled if name in found]
    return ways + ([f"words like these labels ({facts.sentences})"] if facts.sentences else [])


def count_videos(videos: int) -> str:
    """The number with its noun: "1 video"."""
    return f"{videos} video{'s' if videos != 1 else ''}"
