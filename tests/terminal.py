"""Types commands as a reader of the manual does, who has activated the environment of the program."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from pipeline import project


def environment() -> dict[str, str]:
    """Of a new terminal."""
    outer = {name: value for name, value in os.environ.items() if name != project.VARIABLE}
    return outer | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def type_in(
    folder: Path, command: str, environment: Mapping[str, str], timeout_s: float
) -> "subprocess.CompletedProcess[str]":
    """Types a command that ends by itself."""
    return subprocess.run(
        ["bash", "-e", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def page_of(folder: Path, command: str, environment: Mapping[str, str]) -> str:
    """Types a command that serves a page until it is ended; the page, once its address was printed."""
    process = subprocess.Popen(
        ["bash", "-c", f"exec {command} --port 0"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        assert process.stdout is not None
        printed = []
        try:
            for line in process.stdout:
                printed.append(line)
                if address := re.search(r"http://127\.0\.0\.1:\d+", line):
                    with urllib.request.urlopen(address[0], timeout=60) as answer:
                        return answer.read().decode()
        finally:
            process.send_signal(signal.SIGTERM)
    raise AssertionError("no address was printed\n" + "".join(printed))
