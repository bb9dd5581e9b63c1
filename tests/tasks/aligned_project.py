"""The tiny project with an expert that is aligned with text: the colour of frames, and that which a caption names."""

import extractors
from tests.tasks.project import Project

MODULE = '''
"""What colour a video has; and what colour a text names."""

from dataclasses import dataclass

import numpy as np

from extractors.base import FrameNeed, HandcraftedExtractor, TextEncoder
from pipeline import config

NAMED = {"red": (1, -0.5, -0.5), "green": (-0.5, 1, -0.5), "blue": (-0.5, -0.5, 1), "white": (0.6, 0.6, 0.6)}


@dataclass(frozen=True)
class Params:
    __pydantic_config__ = config.STRICT
    network: str


class Expert(HandcraftedExtractor):
    version = 1
    dim = 3
    need = FrameNeed(2.0, 32)

    def prepare(self, view):
        frames = view.frames[view.starts].astype(np.float32)
        colours = (frames - 110).reshape(len(frames), -1, 3).mean(1)
        return colours / np.maximum(np.linalg.norm(colours, axis=1, keepdims=True), 1e-6)


EncoderParams = Params


class Encoder(TextEncoder):
    version = 1
    dim = 3

    def encode(self, texts):
        found = [[NAMED[word] for word in text.split() if word in NAMED] or [(1.0, 1.0, 1.0)] for text in texts]
        means = [np.mean(one, axis=0, keepdims=True) for one in found]
        return [(mean / np.linalg.norm(mean)).astype(np.float32) for mean in means]

    token_version = 1

    def encode_tokens(self, texts):
        named = [np.array([NAMED[word] for word in text.split() if word in NAMED] or [(1, 1, 1)]) for text in texts]
        return [(one / np.linalg.norm(one, axis=1, keepdims=True)).astype(np.float32) for one in named]
'''


def add_misleading(project: Project) -> None:
    """Adds the expert `contrary`, whose text tower says the contrary of what a caption names, beside `tint`."""
    add_aligned(project)
    told = "(mean / np.linalg.norm(mean))"
    assert told in MODULE
    (project.root / "extractors" / "contrary.py").write_text(MODULE.replace(told, f"(-{told[1:]}"), encoding="utf-8")
    for kind, key, name in (("experts", "extractor", "contrary"), ("text", "encoder", "contraries")):
        more = {"modality": "rgb"} if kind == "experts" else {}
        project.write_config(kind, name, {key: "contrary", "params": {"network": "contrary"}} | more)
    project.edit("models", "tiny", experts=["rgb_light", "tint", "contrary"])


def add_aligned(project: Project, experts: tuple[str, ...] = ("rgb_light", "tint")) -> None:
    """Adds the expert `tint`, which no training can make better, and its text tower `tints`; to the model too."""
    folder = project.root / "extractors"
    folder.mkdir(exist_ok=True)
    (folder / "tint.py").write_text(MODULE, encoding="utf-8")
    extractors.add_own(project.root)
    project.write_config("experts", "tint", {"extractor": "tint", "modality": "rgb", "params": {"network": "tint"}})
    project.write_config("text", "tints", {"encoder": "tint", "params": {"network": "tint"}})
    project.edit("models", "tiny", experts=list(experts))
