"""Runs the examples of docs/stores.md on what an export writes."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from pipeline.datasets.annotations import Caption
from pipeline.datasets.video import Video
from pipeline.export.tables import write_lance, write_parquet
from pipeline.export.wide import Exported, export_all
from pipeline.stores.store import Row
from tests.pipeline.export import samples
from tests.pipeline.features.stored import COUNTS, FAILED, Stored
from tests.pipeline.features.stored import SEEN as RECIPE
from tests.test_commands import PATHS

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "docs/stores.md").read_text(encoding="utf-8"), re.DOTALL)
EXAMPLES = {
    "from pipeline.stores": "'rgb_light'",
    "from torch": "none.mp4 torch.Size([1, 3])",
    "from pyarrow": "(9, 3) float32",
    "import lance\n": "v3.mp4 ",
    "import lancedb": "v3.mp4 ",
    "from qdrant_client": "[('v3.mp4', 1.0",
    "import fiftyone": "data/raw/demo/videos/v3.mp4', '",
    "from datasets": "['about v3.mp4'] v3.mp4 torch.Size([3])",
}
"""How an example begins -> what it prints, among other things."""

VIDEOS = ("v3.mp4", "v4.mp4")


def videos():
    """Plain vectors of two videos."""
    for number, video in enumerate(VIDEOS):
        (one,) = samples.videos([4 + number])
        one.features.values.reshape(-1)[0] = number  # no NaN: to that nothing is near
        yield type(one)(video, f"{number:032x}", one.features)


def write_all(root):
    """The folders data/ and configs/ of the examples."""
    stored = Stored(root, "demo")
    for name in ("rgb_light", "speech_light"):
        stored.yaml("experts", name, extractor="seen", modality="rgb", params={"fps": 2.0})
        stored.store(RECIPE, name, counts={video: 2 * (video != FAILED) for video in COUNTS})
    folder, source = root / "data" / "export" / "demo", samples.source(expert="rgb_light")
    folder.mkdir(parents=True)
    write_parquet(videos(), folder / "rgb_light.parquet", source)
    if find_spec("lance"):
        write_lance(videos(), folder / "rgb_light.lance", source)
    listed = [_video(one.video, one.content) for one in videos()]
    rows = [(one.video_id, Row(one.content, 4 + number), "") for number, one in enumerate(listed)]
    export_all(listed, [Exported(source, videos, lambda: rows)], folder / "features")


def _video(name, content):
    return Video(name, content, "train", (Caption(f"about {name}"),), 1.0, True, False, False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("examples")
    write_all(root)
    return root


def test_every_example_of_the_page_is_run():
    begun = [next((one for one in [*EXAMPLES, "import glob, zarr"] if text.startswith(one)), text) for text in BLOCKS]
    assert sorted(begun) == sorted([*EXAMPLES, "import glob, zarr"]), "the last one is run by test_readme.py"


@pytest.mark.parametrize("begin", EXAMPLES)
def test_an_example_runs_as_it_stands_on_the_page(folder, tmp_path, begin):
    if not find_spec(package := begin.split()[1].partition(".")[0]):  # not imported: FiftyOne would start its database
        pytest.skip(f"{package} is not installed, which this example of the page needs")
    (code,) = [text for text in BLOCKS if text.startswith(begin)]
    assert len(code.splitlines()) <= 10
    more = PATHS | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    more |= {"HOME": str(tmp_path), "FIFTYONE_DO_NOT_TRACK": "true"}  # where its database lies
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=os.environ | more, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert EXAMPLES[begin] in ran.stdout
