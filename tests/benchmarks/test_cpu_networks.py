import json

import torch
from torch import nn

from benchmarks.cpu_networks import measure, table
from benchmarks.peers import HERE
from extractors.networks import linear
from extractors.networks.clip_convolutions import SharedProducts


def test_both_ways_are_timed_and_give_the_same(monkeypatch):
    """The one of ours, once for the difference and once each round; the one of PyTorch has no layer of ours."""
    asked = []

    def make():
        return nn.Sequential(nn.Conv3d(3, 8, 3, padding=1), nn.Conv3d(8, 4, 1), nn.Flatten(), nn.Linear(4 * 8 * 36, 64))

    def watched(self, films, original=SharedProducts.by_pictures):
        asked.append("clips")
        return original(self, films)

    def multiplied(*given, original=linear.product):
        asked.append("rows")
        return original(*given)

    monkeypatch.setattr(linear, "is_faster_than_mkl", lambda: True)
    monkeypatch.setattr(linear, "product", multiplied)
    monkeypatch.setattr(SharedProducts, "by_pictures", watched)
    row = measure(make, (2, 3, 8, 6, 6), lambda network, items: network(items), 2)
    assert asked == ["clips", "rows"] * 3
    assert row.keys() == {"plain_s", "ours_s", "difference"}
    assert 0 < row["difference"] < 1e-5


def test_a_network_that_gives_something_else_shows():
    class Moody(nn.Linear):
        """Of a copy it gives the opposite, since the one that is measured first is the original."""

        def __deepcopy__(self, memo):
            return Opposite(4, 4)

    class Opposite(nn.Linear):
        def forward(self, given):
            return -given

    torch.manual_seed(0)
    assert measure(lambda: Moody(4, 4), (2, 4), lambda network, items: network(items), 1)["difference"] > 0.1


def test_the_table_has_the_times_and_how_often_the_one_goes_into_the_other(tmp_path):
    row = {"plain_s": 0.5, "ours_s": 0.2, "difference": 1.2e-6}
    told = {"machine": {"cpu": "Some CPU", "cores": 2}, "rounds": 3, "networks": {"A network, a clip": row}}
    (tmp_path / "networks.json").write_text(json.dumps(told))
    lines = table(tmp_path / "networks.json").splitlines()
    assert lines[2] == "| A network, a clip | 0.500 | 0.200 | 2.50 | 1e-06 |"
    assert "Some CPU" in lines[-1]


def test_what_was_measured_gave_the_same_in_both_ways():
    told = json.loads((HERE / "cpu_networks.json").read_text(encoding="utf-8"))
    assert all(0 < row["difference"] < 1e-4 for row in told["networks"].values())
