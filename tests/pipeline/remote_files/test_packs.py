"""Videos in tars and tables, here and on a web server: listed, read, changed, broken and hostile."""

import io
import json
import random
import tarfile

import pyarrow as pa
import pytest
from pyarrow import parquet

from pipeline.datasets.caption_sidecars import caption_sidecar
from pipeline.datasets.names import VIDEO_SUFFIXES
from pipeline.errors import AnnotationError, OutageError, RemoteError
from pipeline.remote_files import packs, reader
from pipeline.remote_files.files import (
    facts_below,
    listed,
    on_disk,
    open_binary,
    place_of,
    problem_of,
    read_bytes,
    size_of,
    small_on_disk,
)
from pipeline.remote_files.home import Reading
from pipeline.remote_files.look import refresh
from pipeline.remote_files.places import folder_of
from tests.pipeline.packed.test_tars import tar_of

NOW, RANGES = Reading(look_again_s=0), Reading(whole_mb=0, look_again_s=0)
FILES = {f"{number}.mp4": random.Random(number).randbytes(3000 + number) for number in range(3)}
FILES["1.txt"] = b"a caption\n"


def looked(source, tmp_path, reading=NOW):
    """The tree, name -> size or problem, and the notes."""
    notes = []
    folder = folder_of(str(source), tmp_path / "data", reading)
    refresh(folder, notes)
    return folder, {name: one.problem or one.size for name, one in facts_below(folder).items()}, notes


def bytes_below(folder, found):
    return {name: read_bytes(folder / name) for name in found}


def table_of(**columns):
    made = io.BytesIO()
    parquet.write_table(pa.table(columns), made, row_group_size=2)
    return made.getvalue()


VIDEOS = [{"bytes": FILES[f"{number}.mp4"], "path": f"x/{number}.mp4"} for number in range(3)]


def test_members_of_a_tar_are_files_with_their_bytes(tmp_path):
    (tmp_path / "s.tar").write_bytes(tar_of(FILES))
    folder, found, notes = looked(tmp_path / "s.tar", tmp_path)
    assert found == {f"s/{name}": len(content) for name, content in FILES.items()} and notes == []
    assert bytes_below(folder, found) == {f"s/{name}": content for name, content in FILES.items()}
    path = folder / "s" / "1.mp4"
    assert on_disk(path).read_bytes() == FILES["1.mp4"] and on_disk(path).suffix == ".mp4"
    assert small_on_disk(path) is None and size_of(path) == 3001
    assert place_of(path) == f"{tmp_path / 's.tar'} (1.mp4)"
    with open_binary(path) as file:
        file.seek(2990)
        assert file.read(100) == FILES["1.mp4"][2990:] and file.name == f"file:{path}"


def test_a_tar_is_looked_through_once_and_again_when_it_has_changed(tmp_path, monkeypatch):
    (tmp_path / "s.tar").write_bytes(tar_of(FILES))
    num, look = [], packs._look
    monkeypatch.setattr(packs, "_look", lambda *of: num.append(1) or look(*of))
    folder, before, _ = looked(tmp_path / "s.tar", tmp_path)
    stamp = listed(folder / "s" / "0.mp4").stamp
    assert looked(tmp_path / "s.tar", tmp_path)[1] == before and len(num) == 1
    (tmp_path / "s.tar").write_bytes(tar_of(FILES | {"new.mp4": b"n"}))
    with pytest.raises(RemoteError, match=r"s\.tar: the file is another one than when it was listed"):
        read_bytes(folder / "s" / "0.mp4")
    folder, after, _ = looked(tmp_path / "s.tar", tmp_path)
    assert set(after) - set(before) == {"s/new.mp4"} and len(num) == 2
    assert listed(folder / "s" / "0.mp4").stamp != stamp
    assert len(list((folder.parent / "packs").iterdir())) == 1  # what was found in the old one is deleted


def test_what_was_found_is_found_again_where_the_record_of_it_is_damaged(tmp_path):
    (tmp_path / "s.tar").write_bytes(tar_of(FILES))
    folder, before, _ = looked(tmp_path / "*.tar", tmp_path)
    (record,) = (folder.parent / "packs").iterdir()
    record.write_text('[[["x"]')
    (tmp_path / "new.tar").write_bytes(tar_of({"a.mp4": b"a"}))
    assert looked(tmp_path / "*.tar", tmp_path)[1] == before | {"new/a.mp4": 1}


def test_tars_that_lie_here_are_not_listed_again_while_they_are_the_same(tmp_path, monkeypatch):
    (tmp_path / "s.tar").write_bytes(tar_of(FILES))
    _, before, _ = looked(tmp_path / "{s,t}.tar", tmp_path)
    assert "t/all of it" in before
    with monkeypatch.context() as patch:
        patch.setattr(packs, "expanded", lambda *of: pytest.fail("listed again"))
        assert looked(tmp_path / "{s,t}.tar", tmp_path)[1] == before
    (tmp_path / "t.tar").write_bytes(tar_of({"a.mp4": b"a"}))
    assert looked(tmp_path / "{s,t}.tar", tmp_path)[1] == {f"s/{name}": len(one) for name, one in FILES.items()} | {
        "t/a.mp4": 1
    }


def test_one_tar_that_is_missing_or_cut_off_is_a_row_with_the_reason_and_the_others_stand(tmp_path):
    (tmp_path / "s-0.tar").write_bytes(tar_of(FILES))
    (tmp_path / "s-1.tar").write_bytes(tar_of(FILES)[:4700])
    _, found, _ = looked(tmp_path / "s-{0..2}.tar", tmp_path)
    assert {name for name in found if name.startswith("s-0")} == {f"s-0/{name}" for name in FILES}
    assert found["s-1/0.mp4"] == 3000 and "'1.mp4' would have 3001 bytes" in found["s-1/the rest"]
    assert found["s-2/all of it"] == f"{tmp_path / 's-2.tar'}: cannot be read: No such file or directory"


def test_hostile_members_are_told_with_their_tar_and_nothing_is_written_elsewhere(tmp_path):
    hostile = ["../../evil.mp4", "/etc/evil.mp4", "a/../../evil.mp4", "\x1b[2J.mp4", "x" * 300 + ".mp4"]
    deep = "d/" * 33 + "deep.mp4"
    made = tar_of(dict.fromkeys([*hostile, "good.mp4", deep], b"1"), link=(tarfile.SYMTYPE, "/etc/passwd"))
    (tmp_path / "s.tar").write_bytes(made)
    before = set(tmp_path.iterdir())
    folder, found, notes = looked(tmp_path / "s.tar", tmp_path)
    assert set(tmp_path.iterdir()) - before == {tmp_path / "data"}
    assert set(found) == {"s/good.mp4"}
    assert read_bytes(folder / "s" / "good.mp4") == b"1"
    assert sum("no name for a file" in note and "'s/" in note for note in notes) == len(hostile)
    assert f"{tmp_path / 's.tar'}: 'link' is a link; left out" in notes
    assert any("'d/d/" in note and "lies in more than 32 folders" in note for note in notes)
    assert not any("\x1b" in note for note in notes)


def test_a_name_that_is_there_twice_is_told_and_the_first_one_taken(tmp_path):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for content in (b"first", b"second"):
            header = tarfile.TarInfo("a.mp4")
            header.size = len(content)
            tar.addfile(header, io.BytesIO(content))
    (tmp_path / "s.tar").write_bytes(made.getvalue())
    folder, _, notes = looked(tmp_path / "s.tar", tmp_path)
    assert read_bytes(folder / "s" / "a.mp4") == b"first"
    assert notes == [f"{tmp_path / 's.tar'}: 'a.mp4' is there twice; the first one is taken"]


def test_many_notes_of_one_tar_are_few(tmp_path):
    links = {f"l{number}": (tarfile.SYMTYPE, "x") for number in range(500)}
    (tmp_path / "s.tar").write_bytes(tar_of({"a.mp4": b"1"}, **links))
    notes = looked(tmp_path / "s.tar", tmp_path)[2]
    assert len(notes) == packs.MOST_NOTES + 1 and notes[-1].endswith("and more like these")


def test_a_table_gives_videos_and_the_texts_about_them(tmp_path):
    (tmp_path / "t.parquet").write_bytes(table_of(video=VIDEOS, caption=["a", "b", "c"]))
    folder, found, _ = looked(tmp_path / "t.parquet", tmp_path)
    assert set(found) == {f"t/{number}.{kind}" for number in range(3) for kind in ("mp4", "json")}
    for number in range(3):
        assert read_bytes(folder / "t" / f"{number}.mp4") == FILES[f"{number}.mp4"]
        assert json.loads(read_bytes(folder / "t" / f"{number}.json")) == {"caption": "abc"[number]}
    path = folder / "t" / "2.mp4"
    assert size_of(path) == 3002 and on_disk(path).read_bytes() == FILES["2.mp4"] and small_on_disk(path) is None


def test_rows_without_bytes_or_with_one_name_are_told(tmp_path):
    rows = [VIDEOS[0], VIDEOS[0], {"bytes": None, "path": "y/gone.mp4"}, {"bytes": b"1", "path": None}]
    (tmp_path / "t.parquet").write_bytes(table_of(video=rows))
    folder, found, notes = looked(tmp_path / "t.parquet", tmp_path)
    assert set(found) == {"t/0.mp4", "t/gone.mp4", "t/00000003.mp4"}
    assert notes == [f"{tmp_path / 't.parquet'}: row 2: '0.mp4' is there twice; the first one is taken"]
    with pytest.raises(RemoteError, match=r"t\.parquet: no bytes in row 0 of row group 1"):
        open_binary(folder / "t" / "gone.mp4")


def test_a_table_of_paths_and_addresses_is_as_a_list(tmp_path, web_server):
    (web_server.folder / "w.mp4").write_bytes(FILES["0.mp4"])
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "h.mp4").write_bytes(FILES["1.mp4"])
    names = [f"{web_server.address}/w.mp4", "here/h.mp4", "hf://datasets/x.mp4", f"{web_server.address}/gone.mp4"]
    (tmp_path / "t.parquet").write_bytes(table_of(url=names, text=["web", "here", "hf", "gone"]))
    folder, found, notes = looked(tmp_path / "t.parquet", tmp_path)
    host = web_server.address.removeprefix("http://")
    assert read_bytes(folder / host / "w.mp4") == FILES["0.mp4"]
    assert (folder / "here" / "h.mp4").read_bytes() == FILES["1.mp4"]
    assert "404" in found[f"{host}/gone.mp4"] and "'hf://datasets/x.mp4' is no kind of address" in notes[0]
    assert json.loads(read_bytes(folder / "here" / "h.json")) == {"text": "here"}
    assert json.loads(read_bytes(folder / host / "gone.json")) == {"text": "gone"}


def test_a_table_elsewhere_names_no_file_here(tmp_path, web_server):
    (web_server.folder / "t.parquet").write_bytes(
        table_of(url=["/etc/passwd", "file:///etc/passwd", "../../x.mp4", "a.mp4"])
    )
    (web_server.folder / "a.mp4").write_bytes(b"here")
    folder, found, _ = looked(f"{web_server.address}/t.parquet", tmp_path)
    assert found.pop(f"{web_server.address.removeprefix('http://')}/a.mp4") == 4
    assert found and all("404" in str(problem) for problem in found.values())
    assert not any(path.is_symlink() for path in folder.rglob("*"))


@pytest.mark.parametrize("reading", [NOW, RANGES])
def test_tars_and_tables_on_a_web_server_are_read_each_byte_once(tmp_path, web_server, monkeypatch, reading):
    monkeypatch.setattr(reader, "BLOCK_BYTES", 2000)
    (web_server.folder / "s-0.tar").write_bytes(tar_of(FILES))
    (web_server.folder / "s-1.parquet").write_bytes(table_of(video=VIDEOS))
    folder, found, _ = looked(f"{web_server.address}/s-{{0.tar,1.parquet}}", tmp_path, reading)
    for _ in range(2):
        got = bytes_below(folder, found)
    assert got == {f"s-0/{name}": content for name, content in FILES.items()} | {
        f"s-1/{number}.mp4": FILES[f"{number}.mp4"] for number in range(3)
    }
    sizes = sum(path.stat().st_size for path in web_server.folder.iterdir())
    assert web_server.sent() <= sizes + 2  # and a byte of each at the look


def test_members_between_which_nothing_is_wanted_are_not_fetched(tmp_path, web_server, monkeypatch):
    monkeypatch.setattr(reader, "BLOCK_BYTES", 512)
    (web_server.folder / "s.tar").write_bytes(tar_of({f"{number}.mp4": bytes(50_000) for number in range(10)}))
    looked(f"{web_server.address}/s.tar", tmp_path, RANGES)
    assert web_server.sent() < 20_000  # of half a million: headers alone


@pytest.mark.parametrize("reading", [NOW, RANGES])
def test_a_404_and_a_cut_transfer_are_rows_with_the_reason_and_the_next_look_goes_on(tmp_path, web_server, reading):
    for number in range(2):
        (web_server.folder / f"s-{number}.tar").write_bytes(tar_of(FILES))
    web_server.faults |= {"s-1.tar": {"cut", "no ranges"}}
    source = f"{web_server.address}/s-{{0..2}}.tar"
    _, found, _ = looked(source, tmp_path, reading)
    assert {name for name in found if name.startswith("s-0")} == {f"s-0/{name}" for name in FILES}
    assert "the server answers 404" in found["s-2/all of it"]
    assert "s-1.tar: the connection" in found["s-1/all of it"]
    web_server.faults.clear()
    (web_server.folder / "s-2.tar").write_bytes(tar_of(FILES))
    folder, found, _ = looked(source, tmp_path, reading)
    assert len(found) == 3 * len(FILES) and not any(problem_of(folder / name) for name in found)


def test_a_server_that_is_down_ends_the_look(tmp_path):
    with pytest.raises(OutageError, match="does not answer"):
        looked("http://127.0.0.1:9/s-{0..1}.tar", tmp_path)


def test_a_list_may_name_tars_and_a_bucket_that_is_a_folder_keeps_its_own(tmp_path, web_server):
    (web_server.folder / "s.tar").write_bytes(tar_of(FILES))
    (web_server.folder / "x.tar.gz").write_bytes(b"\x1f\x8b")
    (tmp_path / "l.txt").write_text(f"{web_server.address}/s.tar\n{web_server.address}/x.tar.gz\n")
    _, found, _ = looked(tmp_path / "l.txt", tmp_path)
    host = web_server.address.removeprefix("http://")
    assert {f"{host}/s/{name}" for name in FILES} < set(found)
    assert "compressed tars are not read" in found[f"{host}/x.tar.gz/all of it"]


def test_the_cache_stays_within_its_limit(tmp_path, monkeypatch):
    from pipeline.remote_files import file_cache

    monkeypatch.setattr(file_cache, "IN_HAND_S", -1)
    monkeypatch.setattr(Reading, "__post_init__", lambda self: None)
    rows = [{"bytes": bytes([number]) * 40_000, "path": f"{number}.mp4"} for number in range(20)]
    (tmp_path / "t.parquet").write_bytes(table_of(video=rows))
    folder, found, _ = looked(tmp_path / "t.parquet", tmp_path, Reading(cache_gb=200_000 / 1e9, look_again_s=0))
    for name in found:
        assert on_disk(folder / name).read_bytes()[:1] == bytes([int(name[2:-4])])
        kept = [path.stat().st_size for path in (tmp_path / "data/cache/bytes").rglob("*") if path.is_file()]
        assert sum(kept) <= 200_000 + 80_100


def test_where_no_tar_can_be_looked_through_it_is_an_error_and_no_row(tmp_path):
    for number in range(2):
        (tmp_path / f"s-{number}.tar").write_bytes(b"<html>" + bytes(600))
    with pytest.raises(AnnotationError, match=r"s-0\.tar: no header of a tar at byte 0"):
        looked(tmp_path / "*.tar", tmp_path)


@pytest.mark.parametrize("name", ["s.tar", "t.parquet"])
def test_a_connection_that_breaks_within_a_look_is_asked_again_the_next_time(tmp_path, web_server, monkeypatch, name):
    monkeypatch.setattr(reader, "BLOCK_BYTES", 1500)
    content = tar_of(FILES) if name == "s.tar" else table_of(video=VIDEOS, caption=["a", "b", "c"])
    (web_server.folder / name).write_bytes(content)
    (web_server.folder / "other.tar").write_bytes(tar_of({"o.mp4": b"o"}))
    real, num = reader.read_range, []

    def breaking(facts, start, stop):
        num.append(start)
        if len(num) > 1 and name in facts.address:
            raise RemoteError(f"{facts.address}: the connection broke off")
        return real(facts, start, stop)

    monkeypatch.setattr(reader, "read_range", breaking)
    source = f"{web_server.address}/{{{name},other.tar}}"
    _, found, _ = looked(source, tmp_path, RANGES)
    (problem,) = [why for why in found.values() if isinstance(why, str)]
    assert "the connection broke off" in problem and "\n" not in problem
    monkeypatch.setattr(reader, "read_range", real)
    folder, found, _ = looked(source, tmp_path, RANGES)
    assert not any(isinstance(why, str) for why in found.values())
    assert read_bytes(folder / name[0] / "2.mp4") == FILES["2.mp4"]


def test_names_in_tables_end_as_videos_do_and_texts_are_called_as_they_are(tmp_path):
    assert set(packs.SUFFIXES) <= VIDEO_SUFFIXES
    names = ["a.MP4", "b.bin", "v1.5", "c.264"]
    rows = [{"bytes": b"x", "path": name} for name in names]
    (tmp_path / "t.parquet").write_bytes(table_of(video=rows, caption=names))
    folder, found, _ = looked(tmp_path / "t.parquet", tmp_path)
    videos = {"t/a.MP4", "t/b.bin.mp4", "t/v1.5.mp4", "t/c.264.mp4"}
    assert set(found) == videos | {"t/a.json", "t/b.bin.json", "t/v1.5.json", "t/c.264.json"}
    assert {caption_sidecar(folder / name, "*.json").relative_to(folder).as_posix() for name in videos} < set(found)
    for end in VIDEO_SUFFIXES:
        assert packs._text_of(f"https/a{end}") == "https/a.json"
