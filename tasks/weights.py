"""Section [Weights] of luigi.cfg."""

from pathlib import Path

import luigi

from pipeline.weights import WeightOptions


class Weights(luigi.Config):
    """Where the networks' weights come from, and where they are kept."""

    cache = luigi.Parameter(default="", description="Folder of the files; by default weights/ in the data folder")
    mirror = luigi.Parameter(default="", description="Address of a copy of a filled cache, in place of the sources")
    offline = luigi.BoolParameter(default=False, description="Fetch nothing")
    seeded = luigi.BoolParameter(
        default=False, description="Stand-ins in place of files: runs everything, and the features mean nothing"
    )

    def options(self, data: Path) -> WeightOptions:
        """As the floors below take them."""
        cache = Path(self.cache) if self.cache else data / "weights"
        return WeightOptions(cache, self.mirror, self.offline, self.seeded)
