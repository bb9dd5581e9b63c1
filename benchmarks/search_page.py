"""Measures the search page in a browser: `python benchmarks/search_page.py [VIDEOS]`, by default 1,000 videos.

The collection is that of benchmarks/search_index.py (seven experts of dimension 64, words in half of the videos), with
ten moments a video, and one small clip as the file of all videos. Its page is served by a process of its own, as
`python -m search` does, and opened in headless Chromium (1440 x 900). A query is typed and sent; what is measured is
from there to the first frame of the browser that shows its 24 hits as a grid (a query may find fewer). Posters come
after that, and the next query when those in sight are there. Of 30 queries, after two that nobody counts: p50 and p95,
and what the server alone takes for the same. Prints JSON, and writes benchmarks/search_page.json.
"""

import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.search_index import DIM, EXPERTS, VOCABULARY, make, make_collection
from search.index.vectors import MOMENT_TIMES, MOMENTS, VIDEOS
from tests.clips import make_clip
from tests.search.browser import Browser, own_browser

SIZE, MOMENTS_EACH, QUERIES, WARM, HITS = 1000, 10, 30, 2, 24
STARTS_S = 60
IN_SIGHT = """
    const isBelow = (one) => one.getBoundingClientRect().top > innerHeight;
    return [...document.querySelectorAll(".hit img")].every((one) => one.complete || isBelow(one));
"""
ASK = """
    const [query, done] = arguments;
    document.getElementById("query").value = query;
    const began = performance.now();
    const drawn = () => document.getElementById("asked").textContent.includes(query) && document.querySelector(".hit");
    const tell = () => done([performance.now() - began, document.querySelectorAll(".hit").length]);
    const watch = new MutationObserver(() => {
      if (!drawn()) return;
      watch.disconnect();
      requestAnimationFrame(() => setTimeout(tell));
    });
    watch.observe(document.getElementById("results"), { childList: true, subtree: true, characterData: true });
    document.getElementById("form").requestSubmit();
"""


def make_all(root: Path, size: int) -> None:
    """A collection with vectors, moments and files below `root`."""
    torch.manual_seed(0)
    folder = make_collection(root, size)
    make(folder / VIDEOS, size)
    make(folder / MOMENTS, size * MOMENTS_EACH)
    offsets = np.arange(0, size * MOMENTS_EACH + 1, MOMENTS_EACH)
    np.savez(folder / MOMENT_TIMES, starts_s=np.tile(np.arange(MOMENTS_EACH) * 2.0, size), offsets=offsets)
    clip = make_clip(root / "clip.mp4", seconds=2.0, fps=10)
    for at in range(size):
        os.link(clip, root / f"{at:07}.mp4")


@contextlib.contextmanager
def served(root: Path) -> Iterator[str]:
    """The address of the page, served by a process of its own."""
    (root / "luigi.cfg").write_text("[Paths]\ndata = .\nconfigs = configs\n", encoding="utf-8")
    command = [sys.executable, "-m", "search", "--dataset", "bench", "--project", str(root), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]) as server:
        try:
            assert server.stdout is not None
            yield next(word for word in server.stdout.readline().split() if word.startswith("http"))
        finally:
            server.terminate()
            server.communicate()


def ask_browser(browser: Browser, query: str) -> tuple[float, int]:
    """Milliseconds until the hits are drawn, and how many there are."""
    browser.until(lambda: browser.driver.execute_script(IN_SIGHT), STARTS_S)
    taken_ms, hits = browser.driver.execute_async_script(ASK, query)
    return float(taken_ms), int(hits)


def ask_server(address: str, query: str) -> float:
    """Milliseconds until the answer is read, which the page draws."""
    wanted = urllib.parse.urlencode({"q": query, "k": HITS, "offset": 0})
    began = time.perf_counter()
    with urllib.request.urlopen(f"{address}/api/search?{wanted}") as answer:
        answer.read()
    return 1e3 * (time.perf_counter() - began)


def marks(taken_ms: list[float]) -> dict[str, float]:
    """p50 and p95 without the warm-up."""
    return {f"p{mark}_ms": round(float(np.percentile(taken_ms[WARM:], mark)), 1) for mark in (50, 95)}


def main() -> None:
    """Measures, prints and writes the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("videos", type=int, nargs="?", default=SIZE)
    parser.add_argument("--queries", type=int, default=QUERIES)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    size = options.videos
    rare = np.random.default_rng(3).integers(1, VOCABULARY, (WARM + options.queries, 2))
    asked = [f"somebody says word{first} and word{second}" for first, second in rare]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_all(root, size)
        with served(root) as address, own_browser(root) as browser:
            browser.size(1440, 900)
            browser.driver.set_script_timeout(STARTS_S)
            browser.driver.get(address)
            browser.find("#empty h1", seconds=STARTS_S)
            page = [ask_browser(browser, query) for query in asked]
            server = [ask_server(address, f"{query} again") for query in asked]
            told = {
                "browser": browser.driver.capabilities["browserVersion"],
                "machine": platform.processor() or platform.machine(),
            }
    told |= {
        "videos": size,
        "experts": len(EXPERTS),
        "dim": DIM,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
    }
    told |= {"page": marks([taken for taken, _ in page]), "server": marks(server)}
    told["hits"] = round(float(np.mean([hits for _, hits in page])), 1)
    print(json.dumps(told))
    options.out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
