"""Serves the search page: `python -m search --videos FOLDER` of any folder, `--dataset NAME` of one that has an index.

By default only this machine can reach it.
"""

from pipeline.running import stopping

if __name__ == "__main__":
    # What follows takes seconds, in which the program may be stopped too.
    stopping.install()

import argparse
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import project
from pipeline.datasets.folders import dataset_of
from pipeline.errors import PipelineError
from pipeline.project import Project
from pipeline.remote.objects import is_remote
from pipeline.remote_files.places import is_elsewhere

if TYPE_CHECKING:
    from search.people.switch import Action

MISTAKE = 2
"""Exit status after a mistake of the person who typed the command; argparse has the same."""
DEAF = ("sh", "-c", 'trap "" INT; exec "$@"', "sh")
"""Starts a program that Ctrl+C does not reach: it is told by the one that started it, and only once."""
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
"""Addresses of this machine that no other one reaches."""
SHUTDOWN_S = 2
"""Time that a stop leaves to answers that are on their way, e.g. videos that are being played."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until it is stopped; returns the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    options.dataset = list(dict.fromkeys(options.dataset or []))
    if not options.dataset and options.videos is None:
        parser.error("--dataset needs a name")
    if options.dataset and (options.name or options.fetch):
        parser.error("--name and --fetch belong to --videos")
    if options.mcp and len(options.dataset) != 1:
        parser.error("--mcp serves one --dataset; make a folder searchable first, by --videos without --mcp")
    if options.people and not options.dataset:
        parser.error("--people belongs to --dataset")
    try:
        return run(options)
    except PipelineError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return MISTAKE
    except OSError as error:
        print(
            f"ERROR: {options.host}:{options.port}: {error.strerror or error}; choose another --port", file=sys.stderr
        )
        return MISTAKE


def run(options: argparse.Namespace) -> int:
    """Takes the port, makes the folder searchable where one was typed, and serves the page; returns the exit status."""
    place = project.load(options.project, options.data, options.configs)
    if options.mcp:
        serve_assistant(options.dataset[0], place)
        return 0
    if options.people:
        return switch_people(options.dataset, options.people, place)
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    with socket.socket(family) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((options.host, options.port))  # before a long extraction: a port may be taken
        datasets = options.dataset
        if options.videos is not None:
            status = make_searchable(options, place)
            if status:
                return status
            videos = typed_videos(options.videos)
            found = dataset_of(videos, place.configs / "datasets", place.folder, options.name)
            datasets = [found] if found else []
        serve(datasets, place, options, listening)
    return 0


def switch_people(datasets: Sequence[str], action: "Action", place: Project) -> int:
    """Switches people on or off in these collections, or deletes their names; returns the exit status."""
    from search.people.switch import switch

    for dataset in datasets:
        print(switch(place, dataset, action))
    return 0


def typed_videos(typed: str) -> str | Path:
    """The folder that was typed, seen from anywhere; an address as it is, and the path of a list as text."""
    if is_remote(typed):
        return typed
    path = Path(typed).expanduser().absolute()
    return str(path) if is_elsewhere(str(path)) else path


def make_searchable(options: argparse.Namespace, place: Project) -> int:
    """Runs the task SearchFolder, with its output on this terminal; returns its exit status.

    In a process of its own, since the DAG stands above the search, and needs none of what a server holds.
    """
    typed = {"--project": options.project, "--Paths-data": options.data and str(place.data)}
    typed |= {"--Paths-configs": options.configs and str(place.configs), "--name": options.name}
    videos = str(typed_videos(options.videos)) if options.videos else ""
    # -P and PYTHONPATH: this program's package "tasks", whatever lies in the current folder.
    root = str(Path(__file__).parents[1])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))}
    command = [*DEAF, sys.executable, "-P", "-m", "tasks", "SearchFolder", f"--videos={videos}"]
    command += [f"{option}={value}" for option, value in typed.items() if value]
    command += ["--fetch"] if options.fetch else []
    with subprocess.Popen(command, env=environment) as child:
        try:
            status = child.wait()
        except KeyboardInterrupt:
            child.terminate()
            if child.wait() < 0:
                raise  # it had not begun, and says nothing
            return child.returncode
    if status < 0:
        print(
            f"ERROR: ended by {signal.Signals(-status).name}; the same command goes on from what is done",
            file=sys.stderr,
        )
    return _shell_status(status)


def serve(datasets: Sequence[str], place: Project, options: argparse.Namespace, listening: socket.socket) -> None:
    """Opens the collections, prints the addresses of their pages, and serves them until a stop signal comes."""
    from pipeline.running.cpu import one_thread
    from search.pages.connections import server
    from search.pages.local_files import LocalRights
    from search.pages.media_workers import stop_all
    from search.pages.serving import MOUNT, live, several

    one_thread()
    host = options.host
    shown = f"[{host}]" if ":" in host else host
    hosts = ("*",) if host in {"0.0.0.0", "::"} else ("127.0.0.1", "localhost", "[::1]", shown)  # noqa: S104
    rights = LocalRights(host in LOOPBACK, host in LOOPBACK and not options.no_open)
    collections = {dataset: live(place, dataset, tuple(datasets), hosts, rights) for dataset in datasets}
    listening.listen()  # so that who opens the address at once is answered
    port = listening.getsockname()[1]
    for dataset, one in collections.items():
        below = "" if dataset == datasets[0] else f"{MOUNT}{dataset}/"
        stops = "" if below else " (Ctrl+C stops)"
        print(f"{dataset}: {one.num_videos} videos at http://{shown}:{port}{below}{stops}", flush=True)
    try:
        server(several(collections), timeout_graceful_shutdown=SHUTDOWN_S).run([listening])
    except KeyboardInterrupt:  # uvicorn has closed all, and raises the signal again
        print("Stopped", flush=True)
    finally:
        stop_all()


def serve_assistant(dataset: str, place: Project) -> None:
    """Serves the collection to an assistant, over stdin and stdout, until stdin ends or a stop signal comes."""
    try:
        from search.assistant.server import serve, stdout_as_stderr
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "mcp":
            raise
        raise PipelineError("--mcp needs the package mcp: pip install 'expert-retrieval[mcp]'") from None
    from pipeline.running.cpu import one_thread
    from search.collection import Collection

    with stdout_as_stderr():
        one_thread()
        collection = Collection.of_project(place, dataset)
    serve(collection)


def _shell_status(status: int) -> int:
    """The status of a process as shells tell it: 128 and the number of the signal that ended it."""
    return 128 - status if status < 0 else status


def _names(typed: str) -> list[str]:
    """The names of datasets, with commas between them."""
    return [name for one in typed.split(",") if (name := one.strip())]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m search", description="Search videos in a browser.")
    what = parser.add_mutually_exclusive_group(required=True)
    dataset_help = "name of a dataset that has an index (BuildIndex), or several: a,b"
    what.add_argument("--dataset", action="extend", type=_names, help=dataset_help)
    videos_help = "any folder with videos: makes it searchable first, and again, adds the videos that are new"
    what.add_argument("--videos", help=videos_help)
    mcp_help = "serve the dataset to an assistant, over stdin and stdout (Model Context Protocol), in place of a page"
    parser.add_argument("--mcp", action="store_true", help=mcp_help)
    parser.add_argument("--name", default="", help="with --videos: name of its dataset; by default that of the folder")
    parser.add_argument("--fetch", action="store_true", help="with --videos: fetch the weights of the best experts")
    host_help = "address to listen on; under another than this machine's own, whoever can reach it sees your videos"
    parser.add_argument("--host", default="127.0.0.1", help=host_help)
    open_help = "never open the folder of a video in the file manager; it is only offered in a browser on this machine"
    parser.add_argument("--no-open", action="store_true", help=open_help)
    people_help = "switch people (faces with names) on or off in a dataset, or delete all names; then end"
    parser.add_argument("--people", choices=("on", "off", "delete"), default="", help=people_help)
    parser.add_argument("--port", type=int, default=8000, help="0: any that is free")
    project_help = f"the project folder; by default ${project.VARIABLE}, or the nearest one upwards from here"
    parser.add_argument("--project", default="", help=project_help)
    parser.add_argument("--data", help="folder of the stores; by default as luigi.cfg of the project says")
    parser.add_argument("--configs", help="folder with search.yaml; by default as luigi.cfg of the project says")
    return parser


if __name__ == "__main__":
    sys.exit(main())
