import subprocess
import threading

import pytest

from tests.search.chromium import FORBIDDEN, Machine, NoBrowserError, provide


class Fake:
    """A machine on which apt-get does as it is told to; what it was asked is kept."""

    def __init__(self, tmp_path, answers=(), user: int = 0, programs=("apt-get",), **environment: str) -> None:
        self.asked: list[list[str]] = []
        self.answers = list(answers)
        self.there = set(programs)
        self.machine = Machine(self.which, self.run, lambda: user, environment, tmp_path)

    def which(self, program: str) -> str | None:
        return f"/usr/bin/{program}" if program in self.there else None

    def run(self, command: list[str], **more) -> subprocess.CompletedProcess:
        self.asked.append([*command[:2], "download"] if "--download-only" in command else command[:2])
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if answer == "" and self.asked[-1] == INSTALL:
            self.there |= {"chromium", "chromedriver"}
        return subprocess.CompletedProcess(command, 1 if answer else 0, "", answer)


FOUND = ("/usr/bin/chromium", "/usr/bin/chromedriver")
INSTALL, UPDATE, DOWNLOAD = ["apt-get", "install"], ["apt-get", "update"], ["apt-get", "install", "download"]


def test_what_is_there_is_taken_and_nothing_is_run(tmp_path):
    fake = Fake(tmp_path, programs=("apt-get", "google-chrome", "chromedriver"))
    assert provide(fake.machine) == ("/usr/bin/google-chrome", "/usr/bin/chromedriver")
    assert fake.asked == []


def test_what_is_missing_is_installed(tmp_path):
    fake = Fake(tmp_path, ["", ""], programs=("apt-get", "chromium"))
    assert provide(fake.machine) == FOUND
    assert fake.asked == [DOWNLOAD, INSTALL]


def test_lists_of_packages_that_are_missing_are_fetched(tmp_path):
    fake = Fake(tmp_path, ["E: Unable to locate package chromium", "", "", ""])
    assert provide(fake.machine) == FOUND
    assert fake.asked == [DOWNLOAD, UPDATE, DOWNLOAD, INSTALL]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"user": 1000}, "as root"),
        ({"programs": ()}, "where there is apt-get"),
        ({FORBIDDEN: "1"}, f"{FORBIDDEN} forbids"),
    ],
)
def test_where_it_may_not_or_cannot_be_done_nothing_is_run_and_the_reason_is_told(tmp_path, more, why):
    fake = Fake(tmp_path, **more)
    with pytest.raises(NoBrowserError, match=rf"apt install chromium chromium-driver.*{why}"):
        provide(fake.machine)
    assert fake.asked == []


@pytest.mark.parametrize("failure", ["E: no network", subprocess.TimeoutExpired("apt-get", 150), OSError("no exec")])
def test_a_failure_is_told_and_not_repeated_in_the_same_run(tmp_path, failure):
    first = Fake(tmp_path, [failure, failure], PYTEST_XDIST_TESTRUNUID="one")
    with pytest.raises(NoBrowserError, match="the tests tried: ") as first_error:
        provide(first.machine)
    assert first.asked == [DOWNLOAD, UPDATE]
    second = Fake(tmp_path, PYTEST_XDIST_TESTRUNUID="one")
    with pytest.raises(NoBrowserError) as again:
        provide(second.machine)
    assert str(again.value) == str(first_error.value)
    assert second.asked == []
    later = Fake(tmp_path, ["", ""], PYTEST_XDIST_TESTRUNUID="two")
    assert provide(later.machine) == FOUND


def test_of_several_processes_one_installs(tmp_path):
    fake = Fake(tmp_path, ["", ""], PYTEST_XDIST_TESTRUNUID="one")
    found = []
    several = [threading.Thread(target=lambda: found.append(provide(fake.machine))) for _ in range(4)]
    for one in several:
        one.start()
    for one in several:
        one.join()
    assert found == [FOUND] * 4
    assert fake.asked == [DOWNLOAD, INSTALL]
