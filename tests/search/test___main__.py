import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import pytest
import torch
import uvicorn

from search import __main__ as program
from search.pages import serving
from search.pages.connections import LimitedProtocol
from search.pages.local_files import LocalRights
from tests.search import small_collection
from tests.search.small_collection import CONFIGS
from tests.tasks.undescribed import folder_of, project_for_folders


@pytest.fixture
def threads():
    """Gives the other tests their threads back."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def root(untrained):
    return untrained.root.parent


def arguments(root, *more: str) -> list[str]:
    return ["--dataset", "tiny", "--data", str(root), "--configs", str(root / "configs"), "--port", "0", *more]


def test_the_page_is_served_at_the_address_that_is_printed(root, monkeypatch, capsys, threads):
    servers, codes, run = [], [], uvicorn.Server.run
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: servers.append(self) or run(self, sockets))
    thread = threading.Thread(target=lambda: codes.append(program.main(arguments(root))), daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not (servers and servers[0].started) and time.monotonic() < until:
        time.sleep(0.02)
    address = capsys.readouterr().out.split(" at ")[1].split(" ")[0]
    with urllib.request.urlopen(f"{address}/api/collection", timeout=20) as answer:
        facts = json.load(answer)
    servers[0].should_exit = True
    thread.join(20)
    assert facts["dataset"] == "tiny"
    assert codes == [0]


def test_people_are_switched_by_the_command_alone(planted_root, planted, capsys):
    for action, told in (("on", "people are on"), ("off", "names are kept"), ("delete", "all names are deleted")):
        assert program.main(arguments(planted_root, "--people", action)) == 0
        assert capsys.readouterr().out.startswith("tiny: ")
        assert planted.people.is_on is (action == "on"), told
    assert not planted.people.file.exists()


def test_people_belong_to_a_dataset(root, capsys):
    with pytest.raises(SystemExit):
        program.main(["--videos", str(root), "--people", "on"])
    assert "--people belongs to --dataset" in capsys.readouterr().err
    assert program.main(arguments(root, "--people", "on")) == 2
    assert "ERROR: no expert of this collection sees faces" in capsys.readouterr().err


def test_a_dataset_without_an_index_is_an_error_that_says_what_to_do(root, capsys, threads):
    assert program.main(["--dataset", "other", *arguments(root)[2:]]) == 2
    assert "ERROR: other: no index in" in (error := capsys.readouterr().err)
    assert "BuildIndex --dataset other" in error


def test_a_port_that_is_taken_is_an_error_that_says_what_to_do(root, capsys, threads):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert program.main(arguments(root, "--port", port)) == 2
    assert f"ERROR: 127.0.0.1:{port}: " in (error := capsys.readouterr().err)
    assert "choose another --port" in error


@pytest.mark.parametrize(
    ("host", "hosts"),
    [
        ("127.0.0.1", {"127.0.0.1", "localhost", "[::1]"}),
        ("0.0.0.0", {"*"}),
        ("localhost", {"127.0.0.1", "localhost", "[::1]"}),
    ],
)
def test_only_names_of_the_host_are_answered(root, monkeypatch, threads, host, hosts):
    seen = []
    make = serving.create_app
    monkeypatch.setattr(serving, "create_app", lambda *given: seen.append(given) or make(*given))
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: None)
    assert program.main(arguments(root, "--host", host)) == 0
    ((_, answered, served),) = seen
    assert set(answered) == hosts
    is_local = host != "0.0.0.0"
    assert served.rights == LocalRights(is_local, is_local)


def test_no_open_takes_the_right_to_open_folders(root, monkeypatch, threads):
    seen = []
    make = serving.create_app
    monkeypatch.setattr(serving, "create_app", lambda *given: seen.append(given[2].rights) or make(*given))
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: None)
    assert program.main(arguments(root, "--no-open")) == 0
    assert seen == [LocalRights(is_local=True, may_open=False)]


@pytest.mark.parametrize("typed", [["--dataset", "tiny,second"], ["--dataset", "tiny", "--dataset", "second, tiny"]])
def test_several_datasets_are_served_each_at_an_address(tmp_path, monkeypatch, capsys, threads, typed):
    small_collection.make(tmp_path)
    shutil.copytree(tmp_path / "store" / "index" / "tiny", tmp_path / "store" / "index" / "second")
    configs = tmp_path / "configs" / "datasets"
    shutil.copy(configs / "tiny.yaml", configs / "second.yaml")
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: None)
    assert program.main([*typed, *arguments(tmp_path)[2:]]) == 0
    first, second = capsys.readouterr().out.splitlines()
    address = first.split(" at ")[1].split(" ")[0]
    assert first.startswith("tiny: 6 videos at http://127.0.0.1:")
    assert second == f"second: 6 videos at {address}/c/second/"


def test_the_server_has_limits_on_its_connections(root, monkeypatch, threads):
    seen = []
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: seen.append(self.config.http))
    assert program.main(arguments(root)) == 0
    assert issubclass(seen[0], LimitedProtocol)


@pytest.fixture
def place(tmp_path):
    return project_for_folders(tmp_path / "project")


@pytest.fixture
def clips(tmp_path, clip, rich_clip):
    return folder_of(tmp_path, clip, rich_clip)


@pytest.fixture
def start(place, tmp_path):
    """Starts `python -m search` in an empty folder, in a group of its own, as a shell does."""
    (tmp_path / "elsewhere").mkdir()
    processes = []

    def run(*words: str, folder=None) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "search", "--port", "0", *words]
        environment = os.environ | {"PYTHONPATH": str(CONFIGS.parent), "OMP_NUM_THREADS": "1"}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        cwd = folder or tmp_path / "elsewhere"
        process = subprocess.Popen(command, cwd=cwd, env=environment, start_new_session=True, **pipes)
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_a_folder_is_made_searchable_and_served_by_one_command_wherever_it_is_typed(place, clips, start):
    (place.root.parent / "elsewhere" / "tasks.py").write_text("raise SystemExit('a stranger')\n")
    process = start("--project", str(place.root), "--videos", f"../{clips.name}", "--name", "mine")
    lines = []
    while not lines or " at http" not in lines[-1]:
        lines.append(process.stdout.readline())
        assert lines[-1], process.stderr.read()
    address = lines[-1].split(" at ")[1].split(" ")[0]
    with urllib.request.urlopen(f"{address}/api/search?q=harbor", timeout=20) as answer:
        assert [hit["video_id"] for hit in json.load(answer)["hits"]] == ["harbor.mkv"]
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (0, "Stopped\n")
    assert "Expert rgb_light; better, but not here: clip_siglip2 (1501 MB to fetch)\n" in lines
    assert "Searched by: words heard in 1 video (speech_light)\n" in lines
    assert all(line.startswith(("Looking into", "Extracting")) for line in errors.splitlines()), errors


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_stop_while_the_folder_is_made_searchable_is_answered_by_one_line(place, clips, start, number):
    process = start("--project", str(place.root), "--videos", str(clips))
    assert process.stdout.readline().startswith("Wrote ")
    os.killpg(process.pid, number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode in {130, 143}
    assert errors.splitlines()[-1] == "Stopped; the same command goes on from what is done"
    assert "Traceback" not in errors


def test_a_stop_in_the_first_moment_is_answered_by_one_line(clips, start):
    process = start("--videos", str(clips))
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors


def told(process: subprocess.Popen[str]) -> str:
    """The one line of an error."""
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (2, "")
    assert errors.count("\n") == 1
    return errors


def test_a_mistake_is_told_once_and_in_one_line(place, clips, start):
    project = ("--project", str(place.root))
    assert "no such folder here is not there" in told(start(*project, "--videos", "no such folder here"))
    assert "no project folder: neither" in told(start("--videos", str(clips)))
    assert not (place.configs / "datasets").exists()


def test_a_port_that_is_taken_is_told_before_anything_is_made(place, clips, capsys, threads):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert program.main(["--project", str(place.root), "--videos", str(clips), "--port", port]) == 2
    assert "choose another --port" in capsys.readouterr().err
    assert not (place.configs / "datasets").exists()


@pytest.mark.parametrize(
    "words", [[], ["--dataset", "a", "--videos", "b"], ["--dataset", "a", "--fetch"], ["--dataset", ","]]
)
def test_a_dataset_or_a_folder_is_named_and_what_belongs_to_it(words, capsys):
    with pytest.raises(SystemExit) as ended:
        program.main(words)
    assert ended.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_process_that_was_killed_is_told(place, clips, monkeypatch, capsys, threads):
    monkeypatch.setattr(program, "DEAF", ("sh", "-c", "kill -KILL $$"))
    assert program.main(["--project", str(place.root), "--videos", str(clips), "--port", "0"]) == 137
    assert "ERROR: ended by SIGKILL; the same command goes on" in capsys.readouterr().err
