"""A server with a weight file of 3 MB, and a package that carries it."""

import hashlib

import numpy as np
import pytest

BYTES = np.random.default_rng(0).bytes(3_000_000)
SHA256 = hashlib.sha256(BYTES).hexdigest()


@pytest.fixture
def server(server):
    server.files["a/net.pth"] = BYTES
    return server


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The folder of an installed package "some-net" 1.2, which must not be imported, and its file net/model.pth."""
    site = tmp_path / "site"
    info = site / "some_net-1.2.dist-info"
    (site / "net").mkdir(parents=True)
    info.mkdir()
    (site / "net" / "model.pth").write_bytes(BYTES)
    (site / "net" / "unlisted.pth").write_bytes(BYTES)
    (site / "net" / "__init__.py").write_text("raise AssertionError('was imported')")
    (tmp_path / "outside.pth").write_bytes(BYTES)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: some-net\nVersion: 1.2\n")
    files = ["net/__init__.py", "net/model.pth", "net/gone.pth", "../outside.pth", "some_net-1.2.dist-info/METADATA"]
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    monkeypatch.syspath_prepend(str(site))
    return site
