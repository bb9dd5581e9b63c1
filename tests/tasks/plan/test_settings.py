import configparser

from tasks.plan.settings import DEFAULTS, Extraction, Paths
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


def test_the_defaults_of_luigi_are_those_of_the_shipped_settings():
    shipped = configparser.ConfigParser()
    shipped.read(CONFIGS.parent / "luigi.cfg", encoding="utf-8")
    assert {section: dict(shipped[section]) for section in DEFAULTS} == DEFAULTS
