"""Imports an archive of released features: unpacks it once, and fills the store of each expert and text encoder."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from extractors import registry
from pipeline import config
from pipeline.datasets import protocol
from pipeline.datasets.readers import released
from pipeline.errors import ArchiveError
from pipeline.released import feature_import, releases
from pipeline.released.feature_import import IMPORTED, Origin, Table
from pipeline.released.releases import Release
from pipeline.stores import recipes
from pipeline.untrusted.archives import scratch, unpack
from tasks.plan.inventory import Progress
from tasks.plan.layout import Layout
from tasks.plan.provenance import provenance


def import_archive(
    release: Release, fuse_captions: bool, archive: Path, layout: Layout, progress: Progress
) -> dict[str, Origin]:
    """Fills the stores of all experts and text encoders in the configs whose files the archive holds.

    Returns expert or text encoder -> what was imported. With `fuse_captions` the text features are those of all
    captions of a video as one paragraph. ArchiveError where the archive holds no known file.
    """
    experts, texts = list(_expert_tables(layout)), list(_text_tables(layout))
    patterns = [pattern for table in (*experts, *texts) for files in table.files for pattern in files]
    with scratch(layout.store) as folder:
        members = unpack(archive, lambda name: _is_wanted(name, patterns), folder)
        found = {table.name: feature_import.find(table.files, members) for table in (*experts, *texts)}
        if not any(found.values()):
            raise ArchiveError(f"{archive}: none of the files in it is named by a YAML in configs/experts/")
        releases.keep_annotations(release, members)
        origins = {}
        held = [table for table in (*experts, *texts) if found[table.name]]
        for table in held:
            files = {name: members[name] for name in found[table.name]}
            recipes.write_recipe(table.folder, table.recipe, provenance())
            origin = feature_import.begin(table, release.released.collection, archive.name, files)
            if table in texts:
                feature_import.import_texts(table, origin, files, _caption_keys(release, fuse_captions))
            else:
                feature_import.import_features(table, origin, files, released.captions(release.folder))
            origins[table.name] = origin
            progress(len(origins), len(held))
        return origins


def _expert_tables(layout: Layout) -> Iterator[Table]:
    folder = layout.configs / "experts"
    for name in config.names(folder):
        expert = registry.expert(name, folder)
        if expert.is_imported:
            files = expert.extractor.params.files
            yield Table(name, layout.features(expert), expert.recipe, expert.extractor.dim, files)


def _text_tables(layout: Layout) -> Iterator[Table]:
    folder = layout.configs / "text"
    for name in config.names(folder):
        text = registry.text(name, folder)
        if text.config.encoder == IMPORTED:
            yield Table(name, layout.text(text), text.recipe, text.encoder.dim, text.encoder.params.files)


def _is_wanted(name: str, patterns: list[str]) -> bool:
    """Whether the member of an archive is an annotation file, or holds features of an expert in configs/."""
    return releases.is_annotation(name) or any(feature_import.fits(name, pattern) for pattern in patterns)


def _caption_keys(release: Release, fuse_captions: bool) -> Mapping[str, list[str]]:
    """Video, by its name in the text features -> keys of its captions, or the key of all of them as one paragraph."""
    text_names = released.text_names(release.folder)
    keys = {}
    for video, captions in released.captions(release.folder).items():
        rows = [protocol.paragraph(captions)] if fuse_captions else captions
        keys[text_names.get(video, video)] = [row.key for row in rows]
    return keys
