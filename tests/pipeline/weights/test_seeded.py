import zlib

import numpy as np
import torch

from pipeline.weights import seeded


def test_a_stand_in_follows_its_rule():
    noise = np.random.RandomState(zlib.crc32(b"x.conv.weight")).standard_normal((4, 2, 3))
    np.testing.assert_allclose(seeded.stand_in("x.conv.weight", (4, 2, 3)), noise * np.sqrt(2 / 6), rtol=1e-6)
    assert seeded.stand_in("bn.running_var", (50,)).min() >= 0.1
    assert abs(seeded.stand_in("bn.weight", (500,)).mean() - 1) < 0.05
    assert abs(seeded.stand_in("bn.bias", (500,))).max() < 0.3
    assert seeded.stand_in("bn.num_batches_tracked", ()) == 0
    small, large = (np.abs(seeded.stand_in(name, (8, 8))).max() for name in ("flow_head.conv2.weight", "w"))
    assert small < 0.1 * large


def test_stand_ins_fill_the_whole_state_but_no_index():
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.bn = torch.nn.BatchNorm2d(3)
            self.register_buffer("place", torch.arange(4))

    network = seeded.fill(Net())
    assert network.place.tolist() == [0, 1, 2, 3]
    assert not torch.equal(network.bn.weight, torch.ones(3))
    assert network.bn.num_batches_tracked == 0
