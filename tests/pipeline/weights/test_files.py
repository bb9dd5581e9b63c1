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


def test_what_the_yaml_asks_for_goes_before_the_options():
    assert WeightSource(always_seeded=True).seeded
    assert WeightSource(WeightOptions(seeded=True)).seeded
    assert not WeightSource().seeded
