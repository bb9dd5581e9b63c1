"""A server with a weight file of 3 MB."""

import hashlib

import numpy as np
import pytest

BYTES = np.random.default_rng(0).bytes(3_000_000)
SHA256 = hashlib.sha256(BYTES).hexdigest()


@pytest.fixture
def server(server):
    server.files["a/net.pth"] = BYTES
    return server
