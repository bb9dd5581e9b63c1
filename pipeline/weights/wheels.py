"""Checksums of weight files that come inside installed packages."""

import functools
from importlib import metadata

from pipeline.errors import ExtractionError


@functools.lru_cache(maxsize=16)
def wheel_sha256(package: str, suffix: str) -> dict[str, str]:
    """File -> checksum of the files of an installed wheel whose names end with `suffix`, read from its RECORD.

    The checksum is in the RECORD's form (URL-safe base64); the files themselves are not read. ExtractionError when the
    package is not installed or has no such file.
    """
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        raise ExtractionError(f"the package {package} is missing: pip install {package}") from None
    found = {str(file): file.hash.value for file in files if str(file).endswith(suffix) and file.hash}
    if not found:
        raise ExtractionError(f"the package {package} holds no {suffix} file; install a release that does")
    return found
