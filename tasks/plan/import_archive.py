"""One import: the archive is unpacked once, and each table that it holds goes into its store."""

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


def run_import(release: Release, fuse: bool, archive: Path, layout: Layout, progress: Progress) -> dict[str, Origin]:
    """Expert or text encoder -> what was imported for it; ArchiveError when the archive holds nothing that is known."""
    tables, texts = list(_experts(layout)), list(_texts(layout))
    wanted = [pattern for one in (*tables, *texts) for alternative in one.files for pattern in alternative]
    with scratch(layout.store) as folder:
        members = unpack(
            archive,
            lambda name: releases.is_annotation(name) or any(feature_import.fits(name, pattern) for pattern in wanted),
            folder,
        )
        found = {one.name: feature_import.find(one.files, members) for one in (*tables, *texts)}
        if not any(found.values()):
            raise ArchiveError(f"{archive}: none of the files in it is named by a YAML in configs/experts/")
        releases.keep_annotations(release, members)
        done = {}
        here = [one for one in (*tables, *texts) if found[one.name]]
        for one in here:
            chosen = {name: members[name] for name in found[one.name]}
            recipes.write_recipe(one.folder, one.recipe, provenance())
            origin = feature_import.begin(one, release.released.collection, archive.name, chosen)
            if one in texts:
                feature_import.import_texts(one, origin, chosen, _caption_keys(release, fuse))
            else:
                feature_import.import_features(one, origin, chosen, released.captions(release.folder))
            done[one.name] = origin
            progress(len(done), len(here))
        return done


def _experts(layout: Layout) -> Iterator[Table]:
    folder = layout.configs / "experts"
    for name in config.names(folder):
        expert = registry.expert(name, folder)
        if expert.is_imported:
            yield Table(
                name, layout.features(expert), expert.recipe, expert.extractor.dim, expert.extractor.params.files
            )


def _texts(layout: Layout) -> Iterator[Table]:
    folder = layout.configs / "text"
    for name in config.names(folder):
        text = registry.text(name, folder)
        if text.config.encoder == IMPORTED:
            yield Table(name, layout.text(text), text.recipe, text.encoder.dim, text.encoder.params.files)


def _caption_keys(release: Release, fuse: bool) -> Mapping[str, list[str]]:
    """Video, as the text features call it, -> the rows of its captions, or the one of all of them as a paragraph."""
    called = released.text_names(release.folder)
    captions = released.captions(release.folder).items()
    return {
        called.get(video, video): [one.key for one in ([protocol.paragraph(said)] if fuse else said)]
        for video, said in captions
    }
