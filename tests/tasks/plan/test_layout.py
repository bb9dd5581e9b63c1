from pathlib import Path

from tasks.plan.layout import Layout


def test_layouts_compare_by_value():
    one, other = Layout(Path("a"), Path("b")), Layout(Path("a"), Path("b"))
    assert one == other
    assert hash(one) == hash(other)
    assert one.store == Path("a/store")
