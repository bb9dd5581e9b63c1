"""Weight files that come inside installed packages: their paths and checksums, without importing the packages."""

import functools
from pathlib import Path

from pipeline.errors import ExtractionError


@functools.lru_cache(maxsize=16)
def wheel_sha256(package: str, suffix: str) -> dict[str, str]:
    """File -> checksum of the files of an installed wheel whose names end with `suffix`, read from its RECORD.

    The checksum is in the RECORD's form (URL-safe base64); the files themselves are not read. ExtractionError when the
    package is not installed or has no such file.
    """
    from importlib import metadata  # here, since decode workers do without it

    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        raise ExtractionError(f"the package {package} is missing: pip install {package}") from None
    found = {str(file): file.hash.value for file in files if str(file).endswith(suffix) and file.hash}
    if not found:
        raise ExtractionError(f"the package {package} holds no {suffix} file; install a release that does")
    return found


def installed_file(package: str, file: str) -> Path | None:
    """The absolute path of a file that an installed package lists in its RECORD; None where there is none.

    Only the metadata of the package is read: nothing of it is imported, so no code of it runs. A path with ".." is
    never found: scripts that pip puts outside the folder of packages are listed so.
    """
    from importlib import metadata

    try:
        distribution = metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return None
    for listed in distribution.files or []:
        if str(listed) == file and ".." not in listed.parts:
            path = Path(str(distribution.locate_file(listed))).absolute()
            return path if path.is_file() else None
    return None
