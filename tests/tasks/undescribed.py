"""A project without a dataset, and a folder of videos that nobody has described."""

import shutil
from pathlib import Path

import yaml

from tests.tasks.project import Project


def project_for_folders(root: Path) -> Project:
    """A project in which two experts can take part that need no weights, before them one that needs 1501 MB."""
    project = Project(root)
    for kind, names in (("experts", ["rgb_light", "speech_light", "clip_siglip2"]), ("text", ["words_hashed"])):
        for name in names:
            project.copy_config(kind, name)
    project.copy_config("models", "ce_light")
    edit_search_settings(project, folder={"experts": [["clip_siglip2", "rgb_light"], ["speech_light"]]})
    return project


def edit_search_settings(project: Project, **changes: object) -> None:
    """Replaces blocks of search.yaml; None removes one."""
    path = project.configs / "search.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8")) | changes
    kept = {key: value for key, value in settings.items() if value is not None}
    path.write_text(yaml.safe_dump(kept), encoding="utf-8")


def folder_of(parent: Path, silent: Path, spoken: Path) -> Path:
    """A folder with spaces and letters that are not ASCII: one video speaks of a harbor, one says nothing."""
    folder = parent / "Été à Nîmes"
    folder.mkdir()
    shutil.copy(silent, folder / "silent.mp4")
    shutil.copy(spoken, folder / "harbor.mkv")
    return folder
