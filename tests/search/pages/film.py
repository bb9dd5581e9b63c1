"""A collection of videos that browsers do not play, and one that they do."""

from pathlib import Path

from search import Collection
from tests.clips import make_clip
from tests.search import small_collection
from tests.search.small_collection import Clip

FILM, SIGN = "film.avi", "sign.mp4"
FILM_S, FPS = 30, 10
WORD_S = 21.0


def make(root: Path) -> Collection:
    """Opens a collection of FILM, MPEG-4 and MP3 with the word "harbor" at WORD_S, and of SIGN, H.264 and AAC."""
    clips = (
        Clip(FILM, speech={"harbor": WORD_S}, duration_s=FILM_S, colour=(1, 0, 0)),
        Clip(SIGN, sign={"BAKERY": 1.0}, duration_s=4.0, colour=(0, 1, 0)),
    )
    small_collection.make(root, clips)
    make_clip(root / "videos" / FILM, codec="mpeg4", sound_codec="mp3", seconds=FILM_S, fps=FPS)
    make_clip(root / "videos" / SIGN, seconds=4, fps=FPS)
    return small_collection.opened(root)
