from tests.pipeline.remote.conftest import stored

__all__ = ["stored"]
