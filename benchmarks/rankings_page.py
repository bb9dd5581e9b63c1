"""Measures the page of rankings with 1,000 queries: `python -m benchmarks.rankings_page [FOLDER] [--videos N]`.

1,000 videos with a caption each, ranked by an untrained network over three experts, with a still for each video. Prints
how long the page takes to be made (without taking the stills, which are made here), its size, and
how long headless Chromium takes from the navigation to a page that is drawn: for the first page of each direction, the
last page, and a search in all queries. FOLDER keeps the page; by default it goes.
"""

import argparse
import tempfile
import time
from pathlib import Path

from PIL import Image

from search.config import load
from search.index.folder import key_of
from search.pages import rankings
from search.pages.rankings_page import write_page
from tests.search import small_collection
from tests.search.browser import own_browser
from tests.search.small_collection import Clip

VIDEOS, TRIES = 1000, 5
THINGS = ("red lamp", "blue boat", "green hill", "yellow taxi", "white dog", "black cat", "grey wall", "open book")
PLACES = ("harbour", "kitchen", "street", "meadow", "station", "market", "library", "garden", "bridge", "bakery")
ADDRESSES = ("", "#direction=v2t", "#page=10", "#text=harbour", "#order=best&page=5")
DRAWN = """
    const done = arguments[arguments.length - 1];
    const seen = () => {
      const images = [...document.images].filter((one) => one.getBoundingClientRect().top < innerHeight);
      if (document.querySelector(".query") && images.every((one) => one.complete)) done(performance.now());
      else requestAnimationFrame(seen);
    };
    requestAnimationFrame(() => requestAnimationFrame(seen));
"""


def clips(videos: int) -> list[Clip]:
    made = []
    for number in range(videos):
        thing, place = THINGS[number % len(THINGS)], PLACES[(number // 8) % len(PLACES)]
        colour = [((number * step) % 97) / 96 for step in (7, 31, 53)]
        words = {place.upper(): 1.0} if number % 3 else {}
        caption = f"take {number}: somebody shows a {thing} near the {place}"
        made.append(Clip(f"video_{number:04}.mp4", words, {thing.split()[1]: 2.0}, colour=colour, caption=caption))
    return made


def make(root: Path, videos: int) -> tuple[Path, float]:
    """(the page, the seconds that it took) of the clips, whose files and stills lie below `root`."""
    folder, made = root / "reports" / "one", clips(videos)
    sources, model = small_collection.trained(root, made)
    (root / "videos").mkdir()
    (folder / "rankings").mkdir(parents=True)
    for clip in made:
        (root / "videos" / clip.name).write_bytes(b"no video; only its still is shown")
        tint = Image.new("RGB", (320, 240), tuple(int(40 + 200 * part) for part in clip.colour))
        noise = Image.effect_noise((320, 240), 90).convert("RGB")
        Image.blend(tint, noise, 0.4).save(folder / "rankings" / f"{key_of(clip.name)}.jpg", quality=80)
    started = time.perf_counter()
    ranked = rankings.rank(sources, model, "test", load(small_collection.CONFIGS).stop_words, folder / "words.sqlite")
    facts = {"dataset": "made", "model": "untrained", "split": "test", "seed": 0}
    write_page(ranked, facts | {"modalities": small_collection.EXPERTS, "root": root / "videos"}, folder, 1)
    return folder / "rankings.html", time.perf_counter() - started


def main(root: Path, videos: int) -> None:
    page, seconds = make(root, videos)
    print(f"made in {seconds:.1f} s, {page.stat().st_size / 1e6:.1f} MB: {page}")
    with own_browser(root) as browser:
        browser.size(1440, 900)
        for address in ADDRESSES:
            times = []
            for _ in range(TRIES):
                browser.driver.get("about:blank")
                browser.driver.get(page.as_uri() + address)
                times.append(browser.driver.execute_async_script(DRAWN) / 1000)
            shown = browser.texts("#count")[0]
            print(f"{address or 'as it opens'}: {min(times):.2f} to {max(times):.2f} s ({shown})")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", metavar="FOLDER")
    parser.add_argument("--videos", type=int, default=VIDEOS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        main(options.folder or Path(folder), options.videos)
