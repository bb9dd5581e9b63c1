import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from search import __main__ as program
from tests.search.small_collection import CLIPS, HOSTILE

mcp = pytest.importorskip("mcp", reason="needs the package mcp")

from search.assistant import server  # noqa: E402

ROOT = Path(__file__).parents[3]
FIRST = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}


def with_client(target, steps):
    """What `steps(client)` returns, run with a client of `target`."""

    async def run():
        async with mcp.Client(target) as client:
            return await steps(client)

    return anyio.run(run)


@pytest.fixture
def called(tiny):
    """Calls a tool of the small collection."""

    def call(name, **arguments):
        return with_client(server.create_server(tiny), lambda client: client.call_tool(name, arguments))

    return call


def arguments(tiny) -> list[str]:
    root = tiny.root.parent
    return ["-m", "search", "--mcp", "--dataset", "tiny", "--data", str(root), "--configs", str(root / "configs")]


def test_every_tool_says_what_it_does_takes_and_returns_and_changes_nothing(tiny):
    tools = with_client(server.create_server(tiny), lambda client: client.list_tools()).tools
    assert {tool.name for tool in tools} == {"search", "moments", "frame", "similar", "describe"}
    for tool in tools:
        assert tool.description and tool.annotations.read_only_hint
        assert (tool.output_schema is None) == (tool.name == "frame")
        for name, field in tool.input_schema["properties"].items():
            assert field.get("description"), f"{tool.name}: {name}"


@pytest.mark.slow
def test_a_known_moment_is_found_in_one_call_over_stdio(tiny, tmp_path):
    command = mcp.StdioServerParameters(
        command=sys.executable,
        args=arguments(tiny),
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    told = with_client(command, lambda client: client.call_tool("search", {"query": "a sign with a lighthouse"}))
    first = told.structured_content["hits"][0]
    assert (first["video"], first["best"]["start_s"], first["best"]["what"]) == (
        "harbour.mp4", 4.0, 'written: "LIGHTHOUSE"'
    )  # fmt: skip


@pytest.mark.slow
def test_nothing_but_the_protocol_is_on_stdout_and_the_end_of_stdin_ends_it(tiny, tmp_path):
    script = "import sys; from search import __main__ as it; sys.exit(it.main(sys.argv[1:]))"
    words = arguments(tiny)[2:]
    noise = "import search.collection as c; of = c.Collection.of_project; c.Collection.of_project = "
    noise += "staticmethod(lambda *a: (print('noise'), __import__('os').system('echo noise'), of(*a))[2]); "
    process = subprocess.run(
        [sys.executable, "-c", noise + script, *words],
        input=json.dumps(FIRST) + "\n", capture_output=True, text=True, cwd=tmp_path, timeout=120,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}, check=False,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    messages = [json.loads(line) for line in process.stdout.splitlines()]
    assert [message["id"] for message in messages] == [1]
    assert process.stderr.count("noise") == 2


def test_a_frame_is_a_jpeg(called):
    (picture,) = called("frame", video="kitchen.mp4", at_s=1).content
    assert (picture.type, picture.mime_type) == ("image", "image/jpeg")
    assert base64.b64decode(picture.data).startswith(b"\xff\xd8\xff")


def test_all_tools_answer(called):
    assert called("describe").structured_content["num_videos"] == len(CLIPS)
    moments = called("moments", video="meadow.mp4", query="zebra").structured_content["moments"]
    assert ('seen: "zebra"', 2.0) in [(one["what"], one["start_s"]) for one in moments]
    assert called("similar", video="kitchen.mp4", k=1).structured_content["hits"]


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("search", {}, "query: Field required"),
        ("search", {"query": "x", "k": 51}, "k: Input should be less than or equal to 50"),
        ("search", {"query": "x" * 1001}, "query: String should have at most 1000 characters"),
        ("search", {"query": "x", "has": ["smell"]}, "'smell' is not a modality of tiny"),
        ("frame", {"video": "kitchen.mp4", "at_s": -1}, "at_s: Input should be greater than or equal to 0"),
        ("frame", {"video": "../../etc/passwd"}, "no video '../../etc/passwd' in the index"),
        ("moments", {"video": "a\nb", "query": "x"}, "no video"),
        ("walk", {}, "Unknown tool: walk"),
    ],
)
def test_a_mistake_is_told_in_one_line(called, name, given, told):
    answer = called(name, **given)
    (text,) = [one.text for one in answer.content]
    assert answer.is_error and told in text and "\n" not in text


def test_an_index_that_is_gone_is_told_without_its_path(called, tiny, monkeypatch):
    def gone(*_, **__):
        raise FileNotFoundError("/secret/place/videos.sqlite")

    monkeypatch.setattr(tiny, "search", gone)
    (text,) = [one.text for one in called("search", query="x").content]
    assert text == server.GONE


def test_what_a_file_says_is_told_as_it_is(called):
    hits = called("search", query="bold").structured_content["hits"]
    assert hits[0]["video"] == f"{HOSTILE}.mp4" and hits[0]["best"]["what"] == 'said: "<b>bold</b>"'


def test_without_the_package_it_says_what_to_install(tiny, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.setitem(sys.modules, "mcp.server.mcpserver", None)
    monkeypatch.delitem(sys.modules, "search.assistant.server")
    assert program.main(arguments(tiny)[2:]) == 2
    error = capsys.readouterr().err
    assert error == "ERROR: --mcp needs the package mcp: pip install 'expert-retrieval[mcp]'\n"


def test_a_folder_is_made_searchable_first(capsys):
    with pytest.raises(SystemExit):
        program.main(["--mcp", "--videos", "somewhere"])
    assert "--mcp serves one --dataset" in capsys.readouterr().err
