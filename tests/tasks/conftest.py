import pytest

from tests.tasks.project import Project


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A project of which everything was run once, and where a copy of it is kept."""
    import torch

    from tasks import EvaluateCE

    torch.set_num_threads(1)  # on networks this small, threads only wait for each other
    root = tmp_path_factory.mktemp("tiny")
    project = Project(root / "project").make()
    first = project.run(EvaluateCE, workers=True, dataset="tiny")
    project.save(root / "kept")
    return project, root / "kept", first


@pytest.fixture
def project(finished):
    """The finished project, to be changed."""
    whole, kept, _ = finished
    return whole.restore(kept)
