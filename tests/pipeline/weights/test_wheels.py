import base64
import hashlib
from importlib import metadata

import pytest

from pipeline.errors import ExtractionError
from pipeline.weights.wheels import wheel_sha256


def test_the_checksums_are_those_of_the_installed_files():
    found = wheel_sha256("rapidocr", ".onnx")
    assert found
    for file in metadata.files("rapidocr"):
        if str(file) in found:
            # The RECORD of a wheel has URL-safe base64 without padding (PEP 376, PEP 427).
            digest = hashlib.sha256(file.locate().read_bytes()).digest()
            assert found[str(file)] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def test_a_package_that_is_missing_or_has_no_such_file_is_told_with_what_to_install():
    with pytest.raises(ExtractionError, match="the package no-such-package is missing: pip install no-such-package"):
        wheel_sha256("no-such-package", ".onnx")
    with pytest.raises(ExtractionError, match=r"rapidocr holds no \.gguf file"):
        wheel_sha256("rapidocr", ".gguf")
