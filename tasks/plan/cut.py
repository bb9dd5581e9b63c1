"""How a dataset is cut into clips: by which expert's rows, and what decides whether that was done."""

from collections.abc import Sequence

from extractors.registry import NamedExpert
from pipeline.datasets.cut import cut
from pipeline.datasets.cutting import WHOLE, Cutting
from pipeline.datasets.manifest import Manifest, Video
from pipeline.errors import ConfigError, PipelineError
from pipeline.stores import parts
from pipeline.stores.fingerprint import fingerprint
from tasks.plan.selection import Selection


def cutting_expert(selection: Selection, cutting: Cutting) -> NamedExpert | None:
    """The expert by whose rows the dataset is cut; None where it takes none. ConfigError for one that cannot be it."""
    if not cutting.expert_name:
        return None
    expert = selection.expert(cutting.expert_name)
    if expert.config.modality != cutting.modality or expert.is_imported:
        raise ConfigError(
            f"configs/datasets/{selection.dataset}.yaml: segment: expert: {expert.name} is of {expert.config.modality}"
            f"{' and imported' if expert.is_imported else ''}; by: {cutting.by} needs one that finds {cutting.modality}"
        )
    return expert


def cut_digest(selection: Selection, cutting: Cutting, uncut: str) -> str:
    """12 hex digits of all that decides the clips, where `uncut` is the digest of the folder of the videos.

    Among it is the fingerprint of the expert: with other settings of a detector the videos are cut anew.
    """
    expert = cutting_expert(selection, cutting)
    rows = fingerprint(expert.recipe) if expert else ""
    return fingerprint({"cut": selection.dataset, "of": uncut, "segment": cutting.recipe, "expert": rows})


def cut_manifest(selection: Selection, cutting: Cutting, whole: Manifest) -> Manifest:
    """The manifest of the clips of the videos of `whole`; PipelineError where the expert was not shown one of them."""
    expert = cutting_expert(selection, cutting)
    if expert is None:
        return cut(selection.dataset, whole, cutting, lambda video: ())
    rows = parts.Reader(selection.layout.features(expert))

    def rows_s(video: Video) -> Sequence[Sequence[float]]:
        features = rows.features(video.content)
        if features is None:
            raise PipelineError(
                f"{selection.dataset}: expert {expert.name} was not shown {video.video_id} yet; luigi --module tasks "
                f"ExtractExpert --dataset {selection.dataset}{WHOLE} --expert {expert.name}"
            )
        times_s: list[list[float]] = features.times_s.tolist()
        return times_s

    return cut(selection.dataset, whole, cutting, rows_s)
