import configparser

from extractors.executors.base import EngineOptions
from tasks.plan.settings import DEFAULTS, Engine, Extraction, Paths
from tests.tasks.project import CONFIGS


def test_options_come_from_the_settings(project):
    with project.process(workers=3, deadline_s=7.5, videos_per_part=9):
        options = Extraction()
        assert (options.workers, options.deadline_s, options.videos_per_part) == (3, 7.5, 9)
        assert Paths().layout.data == project.data
    with project.process():
        assert Extraction().workers == 1


def test_the_workers_are_shared_by_the_devices(project):
    with project.process(workers=5, device="cpu, cpu"):
        settings = Extraction()
        assert settings.devices == ("cpu", "cpu")
        assert (settings.options().workers, settings.options().device) == (2, "cpu")
    with project.process(workers=1, device="cpu,cpu"):
        assert Extraction().options().workers == 1


def test_parts_of_no_video_are_parts_of_one(project):
    with project.process(videos_per_part=0):
        assert Extraction().options().videos_per_part == 1


def test_the_engine_is_this_machine_unless_something_else_is_said(project):
    with project.process():
        assert Engine().options() == EngineOptions()


def test_the_defaults_of_luigi_are_those_of_the_shipped_settings():
    shipped = configparser.ConfigParser()
    shipped.read(CONFIGS.parent / "luigi.cfg", encoding="utf-8")
    assert {section: dict(shipped[section]) for section in DEFAULTS} == DEFAULTS
