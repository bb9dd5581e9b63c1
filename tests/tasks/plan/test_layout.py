from pathlib import Path

from pipeline.remote import mirror
from tasks.plan.layout import Layout


def test_layouts_compare_by_value():
    one, other = Layout(Path("a"), Path("b")), Layout(Path("a"), Path("b"))
    assert one == other
    assert hash(one) == hash(other)
    assert one.store == Path("a/store")


def test_results_lie_where_it_is_said_and_of_object_storage_in_its_mirror(tmp_path):
    assert Layout(tmp_path, Path("b"), stored="/other").store == Path("/other")
    store = Layout(tmp_path, Path("b"), stored="s3://bucket/x").store
    assert store.parent == tmp_path / "mirror"
    assert mirror.mirror_of(store / "runs") == (mirror.Mirror(store, "s3://bucket/x"), "runs")
