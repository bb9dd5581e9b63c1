import re

import pytest

from pipeline.weights.files import WeightFile, WeightOptions, WeightSource


@pytest.mark.parametrize(
    "wrong",
    [
        {"sha256": "xyz"},
        {"place": "/etc/passwd"},
        {"place": "../up.pth"},
        {"md5": "12345678"},
        {"revision": "main"},
        {"revision": "0123456789" * 4},  # not an address of the hub
    ],
)
def test_a_file_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match=r"sha256|place|md5|revision"):
        WeightFile("http://a/b.pth", **wrong)


PACKAGED = {"package": "some-net", "file": "net/model.pth", "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"url": "http://a/b.pth"}, "by url, or by package, file and sha256"),
        ({"package": ""}, "by url, or by package, file and sha256"),
        ({"file": ""}, "by url, or by package, file and sha256"),
        ({"sha256": ""}, "needs its whole sha256, 64 hex digits: 'net/model.pth'"),
        ({"sha256": "0" * 8}, "needs its whole sha256, 64 hex digits: 'net/model.pth'"),
        ({"file": "net/../../up.pth"}, "must lie inside the package"),
        ({"file": "/etc/passwd"}, "must lie inside the package"),
        ({"package": "net; rm -rf /"}, "not the name of a Python package"),
        ({"version": "1 || reboot"}, "not the name of a Python package and its version"),
        ({"place": "mine.pth"}, "belong to a url"),
    ],
)
def test_a_file_of_a_package_that_makes_no_sense_is_refused(wrong, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        WeightFile(**PACKAGED | wrong)


def test_a_file_that_is_named_by_nothing_is_refused():
    with pytest.raises(ValueError, match="by url, or by package, file and sha256"):
        WeightFile()


def test_the_same_bytes_of_a_hub_or_of_a_package_are_the_same_part_of_a_recipe():
    one, other = WeightFile(**PACKAGED), WeightFile("https://a/net.pth", "0" * 64)
    assert one.identity("") == other.identity("") == "0" * 64


def test_what_the_yaml_asks_for_goes_before_the_options():
    assert WeightSource(always_seeded=True).seeded
    assert WeightSource(WeightOptions(seeded=True)).seeded
    assert not WeightSource().seeded
