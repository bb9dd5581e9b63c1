"""A store that several hosts fill, with the work of one of them; each host is a thread of the test or this process."""

import dataclasses
from contextlib import ExitStack
from pathlib import Path

from extractors import registry
from extractors.executors.base import EngineOptions, RunOptions, load_executor
from extractors.extraction.job import Folders, Terms, chunk_jobs
from extractors.extraction.work import Wanted
from pipeline.stores import store
from pipeline.stores.claims import Taken, claims_of
from pipeline.weights.files import WeightOptions
from tests.extractors.run_experts import EXPERTS, OPTIONS
from tests.inline_jobs import inline_jobs

NAMES = ("rgb_light", "audio_light")
ENGINE = EngineOptions(name="claims", expiry_s=0.6, tries=3)
ELSEWHERE = "0a1b2c3d_77"


class SharedStore:
    """Videos in chunks of two."""

    def __init__(self, folder: Path, videos, experts=None):
        self.folder, self.videos = folder, videos
        self.contents = frozenset(video.content for _, video in videos)
        folders = Folders(folder, folder / "store", EXPERTS.parent)
        options = dataclasses.replace(OPTIONS, workers=1, videos_per_part=2)
        self.terms = Terms("some", folders, WeightOptions(seeded=True), options)
        self.experts = experts or [registry.expert(name, EXPERTS, self.terms.weights) for name in NAMES]
        self.claims = claims_of(folders.store)

    def rows(self):
        """Name -> keys of the rows that are there."""
        store.forget_scans()
        return {one.name: set(store.rows(self.folder / "store" / one.name)) for one in self.experts}

    def wanted(self):
        """What is lacking now."""
        rows = self.rows()
        return tuple(
            Wanted(one, self.folder / "store" / one.name, self.contents - rows[one.name]) for one in self.experts
        )

    def jobs(self):
        """The jobs of what is lacking now."""
        return list(chunk_jobs(self.wanted(), self.videos, self.terms))

    def run(self, stop=lambda: False, progress=lambda done_s, stage: None, **engine):
        """What one host does from now on; its outcomes."""
        jobs = self.jobs()
        executor = load_executor(dataclasses.replace(ENGINE, **engine), RunOptions(("cpu",), self.wanted(), progress))
        with ExitStack() as stack:
            stack.enter_context(inline_jobs())
            return list(executor.outcomes(jobs, stop))

    def claim_elsewhere(self, job, tries=1):
        """A claim of another host on a chunk; its name."""
        name = f"{job.dataset}/chunks/{job.number:06}-{job.digest}"
        assert self.claims.claim(name, Taken(ELSEWHERE, "elsewhere", tries).text)
        return name
