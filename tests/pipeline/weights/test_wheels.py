import base64
import hashlib
from importlib import metadata

import pytest

from pipeline.errors import ExtractionError
from pipeline.weights.wheels import installed_file, wheel_sha256


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


def test_a_file_that_a_package_lists_is_found_without_importing_the_package(package):
    assert installed_file("some-net", "net/model.pth") == package / "net" / "model.pth"
    assert installed_file("Some_Net", "net/model.pth") == package / "net" / "model.pth"  # names as pip compares them


@pytest.mark.parametrize(
    "file", ["net/unlisted.pth", "net/gone.pth", "../outside.pth", "net/../../outside.pth", "net", "/etc/passwd", ""]
)
def test_what_a_package_does_not_list_or_lies_outside_is_not_found(package, file):
    assert installed_file("some-net", file) is None


def test_a_package_that_is_not_installed_has_no_files():
    assert installed_file("no-such-package", "net/model.pth") is None
