from pathlib import Path

import pytest

from pipeline import config, project
from pipeline.errors import ConfigError
from pipeline.remote import mirror


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A project folder with a subfolder, in which one stands."""
    monkeypatch.delenv(project.VARIABLE, raising=False)
    monkeypatch.delenv(project.MORE_SETTINGS, raising=False)
    (tmp_path / "home" / "configs").mkdir(parents=True)
    (tmp_path / "home" / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "home" / "a" / "b")
    return tmp_path / "home"


def test_the_project_folder_is_the_nearest_upwards_that_has_configs(home, tmp_path):
    assert project.find() == home
    (home / "a" / "configs").mkdir()
    assert project.find() == home / "a"
    assert project.find(start=home) == home
    with pytest.raises(ConfigError, match=r"no project folder: neither .* nor a folder above it has configs/"):
        project.find(start=tmp_path)


def test_a_file_called_configs_makes_no_project(tmp_path):
    (tmp_path / "configs").write_text("", encoding="utf-8")
    assert not project.is_project(tmp_path)


def test_a_named_folder_comes_before_that_of_the_environment_and_both_before_the_search(home, tmp_path, monkeypatch):
    for name in ("one", "two"):
        (tmp_path / name / "configs").mkdir(parents=True)
    monkeypatch.setenv(project.VARIABLE, str(tmp_path / "one"))
    assert project.find() == tmp_path / "one"
    assert project.find(str(tmp_path / "two")) == tmp_path / "two"
    monkeypatch.setenv(project.VARIABLE, str(tmp_path))
    with pytest.raises(ConfigError, match=rf"{project.VARIABLE} .*: no project folder"):
        project.find()
    with pytest.raises(ConfigError, match="--project nowhere: no project folder, since it has no folder configs/"):
        project.find("nowhere")


def test_data_and_weights_are_where_the_settings_of_the_project_say(home, tmp_path, monkeypatch):
    assert project.load().data == home / "data"
    assert project.load().weights.cache == home / "data" / "weights"
    (home / "luigi.cfg").write_text(
        "[Paths]\ndata = store here\n[Weights]\ncache = kept\noffline = true\n", encoding="utf-8"
    )
    loaded = project.load()
    assert (loaded.data, loaded.configs, loaded.folder) == (home / "store here", home / "configs", home)
    assert (loaded.weights.cache, loaded.weights.offline, loaded.weights.seeded) == (home / "kept", True, False)
    (tmp_path / "more.cfg").write_text(f"[Paths]\ndata = {tmp_path}\n[Weights]\nseeded = true\n", encoding="utf-8")
    monkeypatch.setenv(project.MORE_SETTINGS, str(tmp_path / "more.cfg"))
    loaded = project.load()
    assert (loaded.data, loaded.weights.seeded, loaded.weights.offline) == (tmp_path, True, True)


def test_what_is_given_comes_before_the_settings_and_is_relative_to_where_one_stands(home):
    loaded = project.load(data="mine")
    assert loaded.data == Path.cwd() / "mine"
    assert loaded.configs == home / "configs"
    assert loaded.path("videos") == home / "videos"


def test_with_configs_given_no_project_folder_is_needed(tmp_path, monkeypatch):
    monkeypatch.delenv(project.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    assert project.load(configs="elsewhere").folder == tmp_path
    with pytest.raises(ConfigError, match="no project folder"):
        project.load()


@pytest.mark.parametrize("text", ["no section = 1\n", "[Weights]\noffline = perhaps\n", b"\xff\xfe"])
def test_settings_that_cannot_be_read_are_told_in_one_line(home, text):
    (home / "luigi.cfg").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as caught:
        project.load()
    assert "\n" not in str(caught.value)


def test_a_project_is_made_and_a_second_time_nothing_of_it_is_changed(tmp_path):
    folder = tmp_path / "new" / "project"
    written = project.make(folder)
    assert project.is_project(folder)
    assert "rgb_lite" in config.names(folder / "configs/experts")
    assert {path.relative_to(folder).parts[0] for path in written} == {
        "configs",
        "extractors",
        "luigi.cfg",
        ".gitignore",
    }
    (folder / "luigi.cfg").write_text("[Paths]\ndata = elsewhere\n", encoding="utf-8")
    (folder / ".gitignore").unlink()
    assert project.make(folder) == [folder / ".gitignore"]
    assert project.load(str(folder)).data == folder / "elsewhere"


def test_a_project_with_configs_of_its_own_is_left_alone(home):
    with pytest.raises(ConfigError, match=r"a project folder already, with configs of its own; nothing was written"):
        project.make(home)
    assert sorted(path.name for path in home.iterdir()) == ["a", "configs"]


def test_a_project_that_cannot_be_written_is_told_in_one_line(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"file/configs/inherits.yaml: cannot be written: "):
        project.make(tmp_path / "file")


def test_results_lie_where_the_settings_of_the_project_say(home, tmp_path):
    assert project.load().store == home / "data" / "store"
    (home / "luigi.cfg").write_text("[Paths]\nstore = results\n", encoding="utf-8")
    assert project.load().store == home / "results"
    assert project.load(store="elsewhere").store == Path.cwd() / "elsewhere"
    (home / "luigi.cfg").write_text("[Paths]\nstore = s3://bucket/results\n", encoding="utf-8")
    store = project.load().store
    assert store.parent == home / "data" / "mirror"
    assert mirror.mirror_of(store / "runs") == (mirror.Mirror(store, "s3://bucket/results"), "runs")
    assert project.load(store="").store == home / "data" / "store"
