"""A folder of a loopback web server as the folder of a dataset."""

from pathlib import Path

from pipeline.remote_files.home import Reading
from pipeline.remote_files.look import refresh
from pipeline.remote_files.places import folder_of
from tests.web_server import WebServer

WHOLE, RANGES = Reading(look_again_s=0), Reading(whole_mb=0, look_again_s=0)


def remote_folder(server: WebServer, tmp_path: Path, reading: Reading = WHOLE) -> Path:
    """The tree below which all files of the server have the paths that they have there."""
    names = sorted(path.relative_to(server.folder).as_posix() for path in server.folder.rglob("*") if path.is_file())
    (tmp_path / "list.txt").write_text("".join(f"{server.address}/{name}\n" for name in names))
    folder = folder_of(str(tmp_path / "list.txt"), tmp_path / "data", reading)
    refresh(folder, [])
    return folder / server.address.removeprefix("http://")
