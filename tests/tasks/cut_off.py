"""A video whose end is missing, as a download that broke off leaves it."""

import re

from tests.clips import make_clip

NOTE = re.compile(r"\d+ of 50 frames")


def cut_off(project, name):
    """Adds a video of 50 frames to the project, of which the last third of the bytes is gone."""
    path = make_clip(project.videos / name, sound=None, options={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
