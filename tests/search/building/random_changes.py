"""A folder of videos, and what people do to it: file name -> content."""

import random

FIRST = {f"{number:02}.mp4": f"clip{number:02}" for number in range(8)}


def change(videos: dict[str, str], rng: random.Random) -> None:
    """Adds, changes, renames or removes one or two of them."""
    for _ in range(rng.randrange(1, 3)):
        kind, name = rng.choice(("add", "change", "rename", "remove")), rng.choice(sorted(videos))
        if kind == "remove" and len(videos) > 4:
            del videos[name]
        elif kind == "rename":
            videos[f"{rng.randrange(100):02}-renamed.mp4"] = videos.pop(name)
        elif kind == "change":
            videos[name] = f"clip{rng.randrange(12):02}"
        else:
            videos[f"{rng.randrange(100):02}.mp4"] = f"clip{rng.randrange(12):02}"  # equal contents happen too
