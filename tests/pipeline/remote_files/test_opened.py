"""How files are opened whose bytes are kept in a cache that all of them share."""

import io
from hashlib import sha256

import pyarrow as pa
import pytest
from pyarrow import parquet

from pipeline.errors import RemoteError
from pipeline.remote_files import file_cache, reader
from pipeline.remote_files.files import facts_below, on_disk, open_binary, read_bytes
from pipeline.remote_files.home import Reading
from pipeline.remote_files.look import refresh
from pipeline.remote_files.places import folder_of
from tests.pipeline.packed.test_tars import tar_of

CONTENT = bytes(range(256)) * 20


@pytest.fixture
def packs(web_server):
    """The address of a tar and a table with the video a.mp4."""
    (web_server.folder / "s.tar").write_bytes(tar_of({"a.mp4": CONTENT}))
    made = io.BytesIO()
    parquet.write_table(pa.table({"video": [{"bytes": CONTENT, "path": "a.mp4"}]}), made)
    (web_server.folder / "t.parquet").write_bytes(made.getvalue())
    return f"{web_server.address}/{{s.tar,t.parquet}}"


def tree(packs, tmp_path, reading):
    folder = folder_of(str(packs), tmp_path / "data", reading)
    refresh(folder, [])
    return folder


@pytest.mark.timeout(60)
@pytest.mark.parametrize("whole_mb", [0, 64])
def test_what_is_made_of_other_entries_of_the_cache_never_waits_for_itself(tmp_path, monkeypatch, packs, whole_mb):
    monkeypatch.setattr(file_cache, "NUM_LOCKS", 1)
    folder = tree(packs, tmp_path, Reading(whole_mb=whole_mb, look_again_s=0))
    for name in ("s/a.mp4", "t/a.mp4"):
        assert on_disk(folder / name).read_bytes() == CONTENT


def test_a_tar_that_was_replaced_since_it_was_listed_gives_no_bytes(tmp_path, monkeypatch, packs, web_server):
    monkeypatch.setattr(reader, "BLOCK_BYTES", 1000)
    folder = tree(packs, tmp_path, Reading(whole_mb=0, look_again_s=0))
    (web_server.folder / "s.tar").write_bytes(tar_of({"b.mp4": CONTENT[::-1]}))
    with open_binary(folder / "s/a.mp4") as file:
        file.seek(4000)
        with pytest.raises(RemoteError, match="another one than when it was listed"):
            file.read(100)
    refresh(folder, [])
    assert read_bytes(folder / "s/b.mp4") == CONTENT[::-1]


def test_a_member_larger_than_the_cache_is_no_file_on_the_disk(tmp_path, monkeypatch, packs):
    monkeypatch.setattr(Reading, "__post_init__", lambda self: None)
    folder = tree(packs, tmp_path, Reading(whole_mb=0, cache_gb=3000 / 1e9, look_again_s=0))
    with pytest.raises(RemoteError, match=r"larger than the cache; raise cache_gb"):
        on_disk(folder / "s/a.mp4")
    with pytest.raises(RemoteError, match=r"larger than the cache; raise cache_gb"):
        on_disk(folder / "t/a.mp4")
    assert read_bytes(folder / "s/a.mp4") == CONTENT  # in place, by blocks


def of_list(lines, tmp_path, whole_mb):
    """The tree of a list of such lines, and name -> problem."""
    (tmp_path / "l.txt").write_text("\n".join(lines) + "\n")
    folder = tree(tmp_path / "l.txt", tmp_path, Reading(whole_mb=whole_mb, look_again_s=0))
    found = {name.rpartition("/")[2]: one.problem for name, one in facts_below(folder).items()}
    return folder, found


@pytest.mark.parametrize("whole_mb", [0, 64])
@pytest.mark.parametrize("name", ["s.tar", "t.parquet"])
def test_a_promised_hash_is_that_of_all_bytes_of_a_tar_or_table_which_are_fetched_once(
    tmp_path, packs, web_server, name, whole_mb
):
    content = (web_server.folder / name).read_bytes()
    address = f"{web_server.address}/{name}"
    folder, found = of_list([f"{sha256(content).hexdigest()}  {address}"], tmp_path, whole_mb)
    assert found == {"a.mp4": ""}
    (member,) = folder.rglob("*.mp4")
    assert read_bytes(member) == on_disk(member).read_bytes() == CONTENT
    assert web_server.sent() == len(content) + 1, "and a byte at the look"
    folder, found = of_list([f"{'0' * 64}  {address}"], tmp_path, whole_mb)
    assert list(found) == ["all of it"], "though the bytes are in the cache under their own hash"
    assert f"{name}: has the sha256 {sha256(content).hexdigest()}, and not the one in the list" in found["all of it"]


@pytest.mark.parametrize("whole_mb", [0, 64])
def test_a_tar_whose_members_are_the_same_in_another_one_is_none_that_was_promised(
    tmp_path, packs, web_server, whole_mb
):
    promised = sha256((web_server.folder / "s.tar").read_bytes()).hexdigest()
    with (web_server.folder / "s.tar").open("ab") as file:
        file.write(bytes(512))  # behind its end, where no reader of tars looks
    folder, found = of_list([f"{promised}  {web_server.address}/s.tar"], tmp_path, whole_mb)
    assert "not the one in the list" in found["all of it"] and not list(folder.rglob("*.mp4"))
