"""Builds indexes of chosen clips in one folder, one after another, as reruns with other videos do."""

from dataclasses import replace

from search import Collection
from search.building import build
from search.config import IndexSettings
from search.index import folder
from tests.search import small_collection

MORE_CLIPS = [
    *small_collection.CLIPS,
    small_collection.Clip("a first.mp4", speech={"early": 1.0}),
    small_collection.Clip("nothing.mp4", colour=(0, 0, 0)),
]


class IndexBuilder:
    """Stores of MORE_CLIPS, and the indexes that are built from some of them."""

    def __init__(self, root) -> None:
        self.root = root
        self.sources, self.model = small_collection.trained(root, MORE_CLIPS)
        self.parent = root / "store" / "index" / "tiny"

    def index(
        self, name: str, clips, settings: IndexSettings | None = None, expected: int | None = None
    ) -> tuple[int, Collection]:
        """(videos that went through the network, the index of `clips`), of which `expected` or else all are in it."""
        chosen = {clip.name for clip in clips}
        videos = tuple(video for video in self.sources.manifest.videos if video.video_id in chosen)
        sources = replace(self.sources, manifest=replace(self.sources.manifest, videos=videos))
        ingredients = small_collection.ingredients(self.root, sources, self.model)
        built = build.build_index(
            ingredients, settings or IndexSettings(), self.parent / name, {"stage": "index", "of": name}
        )
        folder.publish(self.parent / name)
        small_collection.write_configs(self.root)
        assert built.num_videos == (len(clips) if expected is None else expected)
        return built.num_embedded, small_collection.opened(self.root)
