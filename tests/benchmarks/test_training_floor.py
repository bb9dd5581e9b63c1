from collections import Counter

import torch
from torch import nn

from benchmarks import training_floor
from benchmarks.training_floor import Products, passes, walk
from models.training.foreach import adamw
from models.training.optim import RULES, Optimizer


def shapes(products):
    return Counter(
        (operation.overloadpacket.__name__, *(one[0] for one in args if isinstance(one, tuple) and one))
        for (operation, args), count in products.seen.items()
        for _ in range(count)
    )


def test_the_products_of_a_step_are_seen_forward_and_backward_and_computed_again():
    layer, x = nn.Linear(5, 3), torch.ones(4, 5, requires_grad=True)
    with Products() as products:
        (layer(x) + layer(x)).sum().backward()
    assert shapes(products) == {
        ("addmm", (3,), (4, 5), (5, 3)): 2,
        ("mm", (4, 3), (3, 5)): 2,
        ("mm", (3, 4), (4, 5)): 2,
    }
    compute = products.again()
    with Products() as again:
        compute()
    assert again.seen == products.seen


def test_products_by_onednn_and_of_many_matrices_are_seen():
    with Products() as products:
        torch.ops.mkldnn._linear_pointwise(torch.ones(2, 8), torch.ones(4, 8), None, "none", [], "")
        torch.ones(2, 3, 4) @ torch.ones(2, 4, 5)
        torch.ones(2) + torch.ones(2)
    assert shapes(products) == {("_linear_pointwise", (2, 8), (4, 8)): 1, ("bmm", (2, 3, 4), (2, 4, 5)): 1}
    products.again()()


def test_a_walk_over_the_memory_is_the_optimisers_own_and_changes_no_parameter(monkeypatch):
    params = [torch.arange(4.0)]
    optimizer = Optimizer(params, RULES["ranger"], 0.5)
    optimizer.state["mean"][0].fill_(3.0)
    params[0].grad = torch.ones(4)
    calls = []
    monkeypatch.setattr(training_floor, "adamw", lambda *args: calls.append(args[:4]) or adamw(*args))
    walk(optimizer)
    assert params[0].tolist() == [0, 1, 2, 3]
    assert [one[0].data_ptr() for one in calls[0]] == [
        one.data_ptr()
        for one in (params[0], params[0].grad, *(optimizer.state[name][0] for name in ("mean", "square")))
    ]


def test_lookahead_adds_what_it_moves_each_sixth_time():
    param = [torch.zeros(1)]
    assert passes(Optimizer(param, RULES["adamw"], 0.0)) == 1
    assert passes(Optimizer(param, RULES["ranger"], 0.0)) == (7 + 2 / 6) / 7
