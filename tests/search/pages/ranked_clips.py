"""Three clips with captions, ranked by an untrained network, and the page of their rankings."""

from pathlib import Path

from search.config import load
from search.pages import rankings
from search.pages.rankings_page import write_page
from tests.search import small_collection
from tests.search.small_collection import Clip

HOSTILE_CAPTION = f"{small_collection.HOSTILE} </script><script>alert(1)</script> \u2028 'quoted' \"twice\""
CLIPS = [
    Clip("a b/kitchen #1.mp4", speech={"Pasta": 1.0}, colour=(1, 0, 0), caption="somebody cooks pasta"),
    Clip("harbour.mp4", sign={"HARBOR": 1.0}, colour=(0, 1, 0), caption="a sign reads HARBOR"),
    Clip(f"{small_collection.HOSTILE}.mp4", colour=(0, 0, 1), caption=HOSTILE_CAPTION),
]
FACTS = {"dataset": "tiny", "model": "m", "split": "test", "seed": 0, "modalities": small_collection.EXPERTS}


def make(root: Path) -> tuple[Path, rankings.Ranked]:
    """(the folder of the page, the ranked split), with the videos below `root`/videos."""
    sources, model = small_collection.trained(root, CLIPS)
    small_collection.make_files(root, CLIPS)
    folder = root / "reports" / "one"
    folder.mkdir(parents=True)
    ranked = rankings.rank(sources, model, "test", load(small_collection.CONFIGS).stop_words, folder / "words.sqlite")
    write_page(ranked, FACTS | {"root": root / "videos"}, folder, 1)
    return folder, ranked
