"""Serves the search page of a dataset: `python -m search --dataset NAME`. By default only this machine can reach it."""

import argparse
import socket
import sys
from collections.abc import Sequence

from pipeline import project
from pipeline.errors import PipelineError

MISTAKE = 2
"""Exit status after a mistake of the person who typed the command; argparse has the same."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until it is stopped; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        serve(options)
    except PipelineError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return MISTAKE
    except OSError as error:
        print(
            f"ERROR: {options.host}:{options.port}: {error.strerror or error}; choose another --port", file=sys.stderr
        )
        return MISTAKE
    return 0


def serve(options: argparse.Namespace) -> None:
    """Opens the collection, prints the address of the page, and serves it."""
    import uvicorn

    from search.collection import Collection
    from search.pages.app import create_app

    one_thread()
    place = project.load(options.project, options.data, options.configs)
    collection = Collection.of_project(place, options.dataset)
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    with socket.socket(family) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((options.host, options.port))
        host = f"[{options.host}]" if ":" in options.host else options.host
        hosts = ("*",) if options.host in {"0.0.0.0", "::"} else ("127.0.0.1", "localhost", "[::1]", host)  # noqa: S104
        port = listening.getsockname()[1]
        print(
            f"{options.dataset}: {collection.facts.num_videos} videos at http://{host}:{port} (Ctrl+C stops)",
            flush=True,
        )
        uvicorn.Server(uvicorn.Config(create_app(collection, hosts), log_level="warning")).run([listening])


def one_thread() -> None:
    """Limits this process to one thread a query: queries run side by side, and more threads would only wait."""
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    threadpool_limits(1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m search", description="Search the videos of a dataset in a browser."
    )
    parser.add_argument("--dataset", required=True, help="name of a dataset that has an index (BuildIndex)")
    host_help = "address to listen on; under another than this machine's own, whoever can reach it sees your videos"
    parser.add_argument("--host", default="127.0.0.1", help=host_help)
    parser.add_argument("--port", type=int, default=8000, help="0: any that is free")
    project_help = f"the project folder; by default ${project.VARIABLE}, or the nearest one upwards from here"
    parser.add_argument("--project", default="", help=project_help)
    parser.add_argument("--data", help="folder of the stores; by default as luigi.cfg of the project says")
    parser.add_argument("--configs", help="folder with search.yaml; by default as luigi.cfg of the project says")
    return parser


if __name__ == "__main__":
    sys.exit(main())
