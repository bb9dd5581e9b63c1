import io
import tarfile

import numpy as np
import pytest
from PIL import Image

from benchmarks.stamps import photographs
from tests.benchmarks.stamps.package import stamp, tone


def test_captions_are_the_english_line_and_repeated_ones_are_left_out(tmp_path):
    stamp(tmp_path, "animals/b_zebra", "A zebra.")
    stamp(tmp_path, "animals/a_zebra", "A zebra.")
    stamp(tmp_path, "food/apple", "A green apple.")
    found = photographs.find(tmp_path)
    assert [(one.name, one.caption) for one in found] == [
        ("animals_a_zebra", "A zebra."),
        ("food_apple", "A green apple."),
    ]


@pytest.mark.parametrize("folder", ["symbols", "animals/cartoon"])
def test_drawings_are_left_out(tmp_path, folder):
    stamp(tmp_path, f"{folder}/one", "A smile.")
    assert photographs.find(tmp_path) == []


def test_pictures_without_a_caption_are_left_out(tmp_path):
    stamp(tmp_path, "animals/zebra", "A zebra.").with_suffix(".txt").unlink()
    assert photographs.find(tmp_path) == []


def test_the_own_sound_and_the_english_name_are_found_and_no_other_language(tmp_path):
    picture = stamp(tmp_path, "animals/dog", "A dog.")
    for ending in ("", "_desc", "_desc_es"):
        tone(picture.with_name(f"dog{ending}.ogg"), 440, 0.2)
    (found,) = photographs.find(tmp_path)
    assert (found.own_sound.name, found.spoken.name) == ("dog.ogg", "dog_desc.ogg")


def test_a_sitting_gnu_and_a_gnu_are_the_same_thing(tmp_path):
    stamp(tmp_path, "a", "A sitting gnu.")
    stamp(tmp_path, "b", "A gnu.")
    assert {one.thing for one in photographs.find(tmp_path)} == {"gnu"}


def test_a_cut_out_is_trimmed_to_what_is_opaque(tmp_path):
    thing = photographs.cut_out(stamp(tmp_path, "a", "A box.", colour=(9, 8, 7), margin_px=13))
    assert thing.shape == (40, 60, 4)
    assert (thing == (9, 8, 7, 255)).all()


def test_on_grey_the_longer_side_takes_its_share_of_the_square(tmp_path):
    square = photographs.on_grey(stamp(tmp_path, "a", "A box."), side_px=200, share=0.9)
    coloured = (np.abs(square.astype(int) - 128) > 20).any(-1)
    rows, columns = np.flatnonzero(coloured.any(1)), np.flatnonzero(coloured.any(0))
    assert square.shape == (200, 200, 3)
    assert len(columns) == pytest.approx(180, abs=2)
    assert len(rows) == pytest.approx(120, abs=2)
    assert rows.mean() == pytest.approx(99.5, abs=1)


def deb(files: dict[str, bytes]) -> bytes:
    """A package as deb(5) describes it."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:xz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    whole = b"!<arch>\n"
    for name, content in {"debian-binary": b"2.0\n", "control.tar.xz": b"odd", "data.tar.xz": data.getvalue()}.items():
        whole += f"{name:16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode() + content
        whole += b"\n" * (len(content) % 2)
    return whole


def test_the_stamps_of_a_deb_are_unpacked_and_nothing_else(tmp_path):
    picture = io.BytesIO()
    Image.new("RGBA", (4, 4), (1, 2, 3, 255)).save(picture, "PNG")
    package = tmp_path / "stamps.deb"
    inside = "./usr/share/tuxpaint/stamps/animals/zebra"
    content = {f"{inside}.png": picture.getvalue(), f"{inside}.txt": b"A zebra.\n", "./etc/other": b"no"}
    package.write_bytes(deb(content))
    folder = photographs.unpack(package, tmp_path / "out")
    assert [one.caption for one in photographs.find(folder)] == ["A zebra."]
    assert not (tmp_path / "out/etc").exists()


def test_a_file_that_is_no_deb_is_refused(tmp_path):
    (tmp_path / "not.deb").write_bytes(b"PK\x03\x04")
    with pytest.raises(ValueError, match=r"no \.deb"):
        photographs.unpack(tmp_path / "not.deb", tmp_path)
