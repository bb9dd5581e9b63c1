"""What a decode worker imports: its start is a good part of a short extraction."""

import subprocess
import sys
from pathlib import Path

from tests.clips import make_clip

LEFT_OUT = {
    "torch",
    "pydantic",
    "yaml",
    "zarr",
    "numcodecs",
    "scipy",
    "onnx",
    "numpy.ma",
    "importlib.metadata",
    "luigi",
}

SCRIPT = f"""
import sys
from pathlib import Path
from extractors.extraction.segments import Piece, Segment
from extractors.extraction.views import prepare_piece
from extractors.registry import ExpertId
from extractors.vggish import Params

vggish = ExpertId("vggish", "vggish", Params())
((_, found),) = prepare_piece(Piece((Segment(Path(sys.argv[1]), "key", 0, (vggish,)),)))[0].items()
print(found.items.shape, sorted({LEFT_OUT!r} & sys.modules.keys()))
"""


def test_sound_is_decoded_and_cut_without_the_libraries_of_configs_stores_and_networks(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", seconds=2.0)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(clip)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert done.stdout == "(2, 96, 64) []\n"
