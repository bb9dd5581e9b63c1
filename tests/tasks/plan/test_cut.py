import shutil

import numpy as np
import pytest

from pipeline.errors import ConfigError, PipelineError
from pipeline.stores import parts
from tasks import BuildManifest, ExtractExpert, Status
from tasks.plan.inventory import Inventory
from tasks.plan.selection import Selection
from tasks.plan.settings import Paths
from tests.clips import make_clip, write_srt
from tests.tasks.project import MODEL, Project, collect_garbage

SHADES = [(200, 40, 40), (40, 60, 200), (230, 220, 60)]
ALL = ["BuildManifest", "ExtractExpert shots_light", "BuildManifest"]
SHOTS = {"by": "shots", "shortest_s": 0.5}


def film(index):
    """A frame of three shots of 50 frames, in each of which a square moves."""
    picture = np.full((72, 96, 3), SHADES[index // 50], np.uint8)
    left = index % 50
    picture[20:40, left : left + 20] = 128
    return picture


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """A folder with a film of three shots of 2 s, in which two sentences are said, and a video of one shot."""
    folder = tmp_path_factory.mktemp("films")
    make_clip(folder / "film.mp4", size=(96, 72), seconds=6, picture=film, sound=None)
    write_srt(folder / "film.srt", [("hello there", 0.5, 1.5), ("good bye", 3.5, 5.0)])
    make_clip(folder / "one.mp4", size=(96, 72), seconds=1, picture=film, sound=None)
    return folder


@pytest.fixture
def films(videos, tmp_path):
    """A project whose dataset films is cut by shots."""
    project = Project(tmp_path / "project")
    shutil.copytree(videos, project.videos)
    for name in ("shots_light", "speech_light", "rgb_light"):
        project.copy_config("experts", name)
    project.copy_config("text", "words_hashed")
    project.write_config("models", "tiny", {**MODEL, "experts": ["rgb_light"]})
    cut(project, **SHOTS)
    return project


def cut(project, **segment):
    """Writes how the videos are cut."""
    project.write_config("datasets", "films", {"videos": str(project.videos), "model": "tiny", "segment": segment})


def clips(project):
    """(id, content, span) of each video and clip of the dataset."""
    with project.process():
        found = Inventory(Selection(Paths().layout, "films")).manifest()
        return [(video.video_id, video.content, video.span_s) for video in found.videos]


def test_a_film_is_cut_by_its_shots_and_a_video_of_one_shot_is_not(films):
    assert films.run(BuildManifest, dataset="films") == ALL
    found = clips(films)
    assert [video_id for video_id, *_ in found] == ["film.mp4#t=0,2", "film.mp4#t=2,4", "film.mp4#t=4,6", "one.mp4"]
    assert [span_s for *_, span_s in found] == [(0, 2), (2, 4), (4, 6), ()]
    assert films.run(BuildManifest, dataset="films") == []

    assert films.run(ExtractExpert, dataset="films", expert="rgb_light") == ["ExtractExpert rgb_light"]
    with films.process():
        (folder,) = {part.parent for part in films.feature_parts("rgb_light")}
        colours = [parts.read_features(folder, content).values.mean(axis=0) for _, content, _ in found]
    assert np.abs(colours[0] - colours[1]).max() > 0.1, "each clip has features of its own"
    assert np.abs(colours[0] - colours[3]).sum() < np.abs(colours[0] - colours[1]).sum() / 2, "of the same picture"


def test_what_follows_is_run_again_when_the_way_of_cutting_changes_and_nothing_else(films):
    films.run(ExtractExpert, dataset="films", expert="rgb_light")
    before = clips(films)
    films.edit("experts", "shots_light", params__threshold=26.0)
    ran = films.run(ExtractExpert, dataset="films", expert="rgb_light")
    assert ran == ["ExtractExpert shots_light", "BuildManifest"], "the same shots, so the same clips and features"
    assert clips(films) == before
    films.edit("experts", "shots_light", params__least=255.0)
    ran = films.run(ExtractExpert, dataset="films", expert="rgb_light")
    assert ran == ["ExtractExpert shots_light", "BuildManifest", "ExtractExpert rgb_light"]
    assert [video_id for video_id, *_ in clips(films)] == ["film.mp4", "one.mp4"]
    cut(films, **SHOTS, longest_s=3.0)
    assert films.run(BuildManifest, dataset="films") == ["BuildManifest"]
    assert [span_s for *_, span_s in clips(films)] == [(0, 3), (3, 6), ()]
    films.edit("experts", "shots_light", params__least=15.0)
    cut(films, **SHOTS)
    assert films.run(ExtractExpert, dataset="films", expert="rgb_light") == [], "put back, it is as it was"
    assert clips(films) == before


def test_a_new_film_is_looked_at_alone(films, capsys):
    films.run(BuildManifest, dataset="films")
    before = clips(films)
    shutil.copy(films.videos / "one.mp4", films.videos / "zwei.mp4")
    with (films.videos / "zwei.mp4").open("ab") as file:
        file.write(bytes(8))
    capsys.readouterr()
    films.run(Status, dataset="films")
    assert "1 new (e.g. zwei.mp4)" in capsys.readouterr().out
    assert films.run(BuildManifest, dataset="films") == ALL
    assert len(films.feature_parts("shots_light")) == 2
    assert clips(films)[:-1] == before


def test_windows_need_no_expert(films):
    cut(films, by="seconds", seconds=4.0, overlap_s=1.0)
    assert films.run(BuildManifest, dataset="films") == ["BuildManifest", "BuildManifest"]
    assert [video_id for video_id, *_ in clips(films)] == ["film.mp4#t=0,4", "film.mp4#t=3,6", "one.mp4"]


def test_speech_is_cut_in_the_middle_of_its_pauses(films):
    cut(films, by="sentences", expert="speech_light", pause_s=1.0)
    assert films.run(BuildManifest, dataset="films") == ["BuildManifest", "ExtractExpert speech_light", "BuildManifest"]
    assert [video_id for video_id, *_ in clips(films)] == ["film.mp4#t=0,2.5", "film.mp4#t=2.5,6", "one.mp4"]


def test_an_expert_that_does_not_see_what_is_asked_for_is_refused(films):
    cut(films, by="sentences", expert="rgb_light")
    with films.process(), pytest.raises(ConfigError, match=r"rgb_light is of rgb; by: sentences needs one .* speech"):
        BuildManifest(dataset="films").complete()


def test_shots_that_are_not_there_are_not_taken_for_none(films):
    films.run(BuildManifest, dataset="films")
    shutil.rmtree(films.feature_parts("shots_light")[0].parent)
    with films.process():
        inventory = Inventory(Selection(Paths().layout, "films"))
        with pytest.raises(PipelineError, match=r"ExtractExpert --dataset films\.whole --expert shots_light"):
            inventory.build_manifest(1, 60.0, lambda done, total: None)


def test_the_manifest_of_the_uncut_videos_is_no_garbage(films, capsys):
    films.run(ExtractExpert, dataset="films", expert="rgb_light")
    told, left = collect_garbage(films, capsys, delete=True)
    assert {name.rpartition("/")[0] for name in left} >= {
        "manifests/films", "manifests/films.whole", "features/shots_light", "features/rgb_light",
    }, told  # fmt: skip
    assert films.run(ExtractExpert, dataset="films", expert="rgb_light") == []


def test_a_dataset_that_is_not_cut_has_no_second_name(films):
    films.write_config("datasets", "plain", {"videos": str(films.videos), "model": "tiny"})
    with films.process(), pytest.raises(ConfigError, match="plain is not cut into clips"):
        BuildManifest(dataset="plain.whole").complete()
