"""A collection of clips of known colours and tones, extracted by real experts, with faces that are planted by hand."""

import colorsys
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from extractors import registry
from extractors.extraction.one_pass import PassOptions, Wanted, extract
from pipeline.datasets.manifest import Manifest, Video
from pipeline.datasets.videos import Listed
from pipeline.stores import parts
from pipeline.stores.fingerprint import fingerprint
from pipeline.stores.parts import Features
from pipeline.stores.store import Row
from pipeline.weights.files import WeightOptions
from search import Collection
from search.building import build
from search.building.build import Ingredients
from search.config import IndexSettings
from search.index import folder
from tests.clips import make_clip, tone
from tests.extractors.run_experts import video_of
from tests.search import small_collection

CONFIGS = Path(__file__).parents[2] / "configs"
REAL = {"rgb_light": "rgb", "audio_light": "audio", "flow_light": "flow"}
FACES = {"face": "face"}
FACE_DIM, FACE_SHORT_PX = 16, 240
NUM_CLIPS = 8


@dataclass(frozen=True)
class Planted:
    """A clip: its hue (0..1), the side to which its square moves, and its tone."""

    name: str
    hue: float
    hz: float

    def picture(self, index: int, size: tuple[int, int] = (160, 120)) -> np.ndarray:
        """A frame: a bright square of the hue on a dark ground of the same hue, moving to the right."""
        width, height = size
        dark, bright = (np.array(colorsys.hsv_to_rgb(self.hue, 0.9, value)) * 255 for value in (0.35, 0.95))
        shown = np.broadcast_to(dark.astype(np.uint8), (height, width, 3)).copy()
        left, side = (4 + 3 * index) % (width - 50), 40
        shown[height // 3 : height // 3 + side, left : left + side] = bright.astype(np.uint8)
        return shown


CLIPS = tuple(Planted(f"clip{number}.mp4", number / NUM_CLIPS, 220.0 * 1.35**number) for number in range(NUM_CLIPS))
PEOPLE = {"clip0.mp4": (0, 1), "clip1.mp4": (0,), "clip2.mp4": (1,), "clip3.mp4": (2, 0)}
"""Video -> who is seen in it, one after another, one second each."""


def make_files(root: Path) -> None:
    """Writes the clips below `root`/videos."""
    for clip in CLIPS:
        make_clip(
            root / "videos" / clip.name,
            seconds=3.0,
            fps=8,
            picture=clip.picture,
            sound=tone(3.0, clip.hz),
        )


def face_of(person: int, number: int) -> np.ndarray:
    """(D,) of one face of a person: an axis of its own, and a little noise, which tells faces of one person apart."""
    noise = np.random.default_rng(100 * person + number).normal(0, 0.05, FACE_DIM)
    return (np.eye(FACE_DIM)[person] + noise).astype(np.float32)


def make(root: Path, face_noise: int = 0) -> Path:
    """The index of the clips below `root`/store, made current; `face_noise`: another draw of the faces' noise."""
    if not (root / "videos").is_dir():
        make_files(root)
    videos = [video_of(root / "videos" / clip.name) for clip in CLIPS]
    options = WeightOptions(root / "weights", offline=True)
    experts = {name: registry.expert(name, CONFIGS / "experts", options) for name in REAL}
    stores = {name: root / "store" / "features" / name for name in (*REAL, *FACES)}
    wanted = [
        Wanted(expert, stores[name], frozenset(one.content for one in videos)) for name, expert in experts.items()
    ]
    if not stores["rgb_light"].exists():
        found = extract(
            wanted, [(root / "videos" / one.video_id, one) for one in videos], PassOptions(1, 60, 64, "cpu")
        )
        assert found == {}, found
    shutil.rmtree(stores["face"], ignore_errors=True)
    _write_faces(stores["face"], videos, face_noise)
    ingredients = Ingredients(
        Manifest("tiny", root / "videos", "0" * 12, Listed(tuple(videos))),
        stores,
        REAL | FACES,
        lambda name, video: video.content,
        dims={name: expert.extractor.dim for name, expert in experts.items()} | {"face": FACE_DIM},
        experts={name: CONFIGS / "experts" / f"{name}.yaml" for name in experts},
        recipes={name: fingerprint(expert.recipe) for name, expert in experts.items()},
        weights=options,
    )
    path = root / "store" / "index" / "tiny" / f"{face_noise:012d}"
    build.build_index(ingredients, IndexSettings(2.0, 200_000), path, {"stage": "index"})
    folder.publish(path)
    small_collection.write_configs(root)
    return path


def opened(root: Path) -> Collection:
    """The collection whose index is below `root`."""
    return small_collection.opened(root)


def _write_faces(store: Path, videos: list[Video], noise: int) -> None:
    rows, features = [], []
    for video in videos:
        who = PEOPLE.get(video.video_id, ())
        values = np.array([face_of(one, noise * 50 + number) for number, one in enumerate(who)], np.float32)
        starts = np.arange(len(who), dtype=np.float64)
        boxes = np.tile(np.array([60, 40, 120, 110], np.float32), (len(who), 1))
        rows.append(Row(video.content, len(who)))
        features.append(
            Features(values.reshape(-1, FACE_DIM), np.stack([starts, starts + 1], 1), {"box_px": boxes} if who else {})
        )
    parts.publish(store, rows, features, FACE_DIM)
