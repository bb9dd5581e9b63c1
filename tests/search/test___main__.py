import json
import socket
import threading
import time
import urllib.request

import pytest
import torch
import uvicorn
from threadpoolctl import threadpool_info

from search import __main__ as program


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
    monkeypatch.setattr("search.pages.app.create_app", lambda collection, hosts: seen.append(set(hosts)))
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: None)
    assert program.main(arguments(root, "--host", host)) == 0
    assert seen == [hosts]


def test_a_query_uses_one_thread(threads):
    program.one_thread()
    assert torch.get_num_threads() == 1
    assert all(library["num_threads"] == 1 for library in threadpool_info())
