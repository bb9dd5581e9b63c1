"""The folder that stands for videos elsewhere."""

import pytest

from pipeline.errors import ConfigError, StoreError
from pipeline.remote_files.home import Reading, home_of, home_of_folder, make


def test_all_homes_of_a_data_folder_share_the_fetched_bytes(tmp_path):
    one, two = (make(tmp_path / "cache" / "videos" / name, f"s3://{name}", Reading()) for name in ("aaa", "bbb"))
    assert one.cache is two.cache
    assert one.cache.folder == tmp_path / "cache" / "bytes"
    assert one.cache.most_bytes == 20_000_000_000


def test_damaged_settings_say_what_to_do(tmp_path):
    home = make(tmp_path / "home", "s3://aaa", Reading())
    (home.folder / "remote.json").write_text("{")
    home_of_folder.cache_clear()
    with pytest.raises(StoreError, match="delete the folder"):
        home_of(home.tree / "a.mp4")


@pytest.mark.parametrize("wrong", [{"whole_mb": -1.0}, {"cache_gb": 0.0}, {"look_again_s": -1.0}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ConfigError, match=r"\[Videos\]"):
        Reading(**wrong)
