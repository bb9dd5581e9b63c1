import pytest

from pipeline.errors import ConfigError
from tasks import BuildManifest, MakeDemo
from tests.tasks.project import required_families


def test_only_a_demo_is_made(project):
    block = {"version": 1, "seed": 1, "num_train": 2, "num_val": 1, "num_test": 1, "captions_per_video": 1}
    block |= {"duration_s": [1.0, 1.0], "width_px": 320, "height_px": 240, "fps": 8}
    project.write_config("datasets", "made", {"videos": str(project.root / "made" / "videos"), "demo": block})
    with project.process():
        assert required_families(BuildManifest(dataset="made")) == ["MakeDemo"]
        assert not BuildManifest(dataset="made").complete()
        with pytest.raises(ConfigError, match="no 'demo' block"):
            MakeDemo(dataset="tiny").complete()


def test_a_task_that_did_not_do_its_work_fails_the_run(project, monkeypatch):
    from tasks.plan.inventory import Inventory

    (project.videos / "new.mp4").write_bytes(b"x")
    monkeypatch.setattr(Inventory, "build_manifest", lambda self, *rest: self.manifest())
    ran, worked = project.attempt(BuildManifest, dataset="tiny")
    assert (ran, worked) == (["BuildManifest"], False)
