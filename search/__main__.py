"""`python -m search --dataset NAME`: the search page of a collection, on this machine only unless told otherwise."""

import argparse
import socket
import sys
from collections.abc import Sequence

from pipeline.errors import PipelineError


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until it is stopped; the exit status."""
    asked = _parser().parse_args(arguments)
    try:
        serve(asked)
    except PipelineError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"ERROR: {asked.host}:{asked.port}: {error.strerror or error}; choose another --port", file=sys.stderr)
        return 1
    return 0


def serve(asked: argparse.Namespace) -> None:
    """Opens the collection, says where the page is, and answers."""
    import uvicorn

    from search.collection import Collection
    from search.pages.app import create_app

    one_thread()
    collection = Collection.open(asked.dataset, asked.data, asked.configs)
    family = socket.AF_INET6 if ":" in asked.host else socket.AF_INET
    with socket.socket(family) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((asked.host, asked.port))
        host = f"[{asked.host}]" if ":" in asked.host else asked.host
        hosts = ("*",) if asked.host in {"0.0.0.0", "::"} else ("127.0.0.1", "localhost", "[::1]", host)  # noqa: S104
        port = listening.getsockname()[1]
        print(
            f"{asked.dataset}: {collection.facts.num_videos} videos at http://{host}:{port} (Ctrl+C stops)",
            flush=True,
        )
        uvicorn.Server(uvicorn.Config(create_app(collection, hosts), log_level="warning")).run([listening])


def one_thread() -> None:
    """From now on a query uses one core: many are answered side by side, and threads would wait for each other."""
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    threadpool_limits(1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m search", description="Search the videos of a dataset in a browser."
    )
    parser.add_argument("--dataset", required=True, help="name of a dataset that has an index (BuildIndex)")
    shown = "address to listen on; under another than this machine's own, whoever can reach it sees your videos"
    parser.add_argument("--host", default="127.0.0.1", help=shown)
    parser.add_argument("--port", type=int, default=8000, help="0: any that is free")
    parser.add_argument("--data", default="data", help="folder of the stores")
    parser.add_argument("--configs", default="configs", help="folder with search.yaml")
    return parser


if __name__ == "__main__":
    sys.exit(main())
