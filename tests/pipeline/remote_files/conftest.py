"""A web server on loopback, and few and short tries."""

import pytest

from pipeline.remote_files import transfer, web
from tests.web_server import serving


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Serves the folder www; nobody waits long."""
    monkeypatch.setattr(transfer, "WAIT_S", 0.01)
    monkeypatch.setattr(web, "READ_S", 0.5)
    (tmp_path / "www").mkdir()
    with serving(tmp_path / "www") as running:
        yield running
