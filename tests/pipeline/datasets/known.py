"""The shipped configs of known datasets, and a config of one whose files lie in a folder of the test."""

from pipeline import config
from pipeline.datasets.annotations import DatasetConfig, load_dataset
from pipeline.datasets.sources import AnnotationFiles
from tests.conftest import ROOT

DATASETS = ROOT / "configs" / "datasets"
KNOWN = [name for name in config.names(DATASETS) if load_dataset(name, DATASETS).annotations]


def msrvtt_config(folder, clips=False, **settings):
    """MSR-VTT with its annotations in `folder` and its videos below it."""
    files = AnnotationFiles("msrvtt", str(folder), "full", clips)
    return DatasetConfig(videos=str(folder / "videos"), annotations=files, **settings)
