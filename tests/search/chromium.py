"""Finds Chromium and its driver, or installs them once in a test run, where that is possible and allowed.

On Debian and its kin, as root, with apt-get; never through sudo. NO_BROWSER_INSTALL=1 forbids it.
"""

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

FORBIDDEN = "NO_BROWSER_INSTALL"
PACKAGES = ("chromium", "chromium-driver")
NEEDED = f"needs Chromium and its driver: apt install {' '.join(PACKAGES)}"
UPDATE_S, DOWNLOAD_S, INSTALL_S = 60, 150, 120
LONGEST_S = 600
"""Timeout of a test with a browser, which may have to install it."""


class NoBrowserError(Exception):
    """Why there is no browser."""


@dataclass(frozen=True)
class Machine:
    """The system calls that are needed; tests replace them."""

    which: Callable[[str], str | None] = shutil.which
    run: Callable[..., subprocess.CompletedProcess] = subprocess.run
    user: Callable[[], int] = os.geteuid
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    folder: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))

    def programs(self) -> tuple[str, str] | None:
        """The browser and its driver."""
        browser = self.which("chromium") or self.which("google-chrome")
        driver = self.which("chromedriver")
        return (browser, driver) if browser and driver else None


def provide(machine: Machine) -> tuple[str, str]:
    """The paths of the browser and of its driver; raises NoBrowserError with the reason if there are none."""
    if found := machine.programs():
        return found
    if machine.environment.get(FORBIDDEN):
        raise NoBrowserError(f"{NEEDED} ({FORBIDDEN} forbids the tests to)")
    if machine.user() != 0 or not machine.which("apt-get"):
        raise NoBrowserError(f"{NEEDED} (as root, where there is apt-get, the tests do so themselves)")
    # The processes of one run wait for the first, and believe what it found.
    run = machine.environment.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    with _alone(machine.folder / "browser-for-tests.lock") as tried:
        if found := machine.programs():
            return found
        if tried.get("run") != run:
            tried.update(run=run, why=_install(machine))
        if found := machine.programs():
            return found
        raise NoBrowserError(f"{NEEDED} (the tests tried: {tried['why']})")


def _install(machine: Machine) -> str:
    """Installs them; returns what went wrong, empty on success."""
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=60", *PACKAGES]
    # Downloaded first: to be out of time is harmless there, and is not while packages are being set up.
    download = [*install, "--download-only"]
    why = _worked(machine, download, DOWNLOAD_S)
    if why:
        # Images of containers come without the lists of packages.
        why = _worked(machine, ["apt-get", "update", "-qq"], UPDATE_S) or _worked(machine, download, DOWNLOAD_S)
    return why or _worked(machine, install, INSTALL_S)


def _worked(machine: Machine, command: list[str], seconds: float) -> str:
    environment = {**machine.environment, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = machine.run(command, capture_output=True, text=True, timeout=seconds, env=environment, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    last = [line for line in done.stderr.splitlines() if line.strip()][-1:]
    return "".join(last) or f"{' '.join(command[:2])} gave {done.returncode}" if done.returncode else ""


@contextmanager
def _alone(lock: Path) -> Iterator[dict[str, str]]:
    """Holds the lock; the mapping is saved for whoever holds it next."""
    with os.fdopen(os.open(lock, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        text = file.read()
        shared: dict[str, str] = json.loads(text) if text else {}
        try:
            yield shared
        finally:
            file.seek(0)
            file.truncate()
            file.write(json.dumps(shared))
