import io

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from search.index.folder import key_of
from search.pages.app import create_app
from tests.clips import make_clip
from tests.search import small_collection
from tests.search.small_collection import Clip

NAME = "fade.mp4"


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """A collection of one video, which is black but from 3 s to 5 s."""
    root = tmp_path_factory.mktemp("fade")
    small_collection.make(root, (Clip(NAME, sign={"HARBOR": 5.5}, duration_s=6.0, colour=(1, 0, 0)),))
    shown = np.zeros((120, 160, 3), np.uint8)
    shown[30:90:4] = (230, 120, 20)
    make_clip(root / "videos" / NAME, fps=10, seconds=6, picture=lambda at: shown if 30 <= at < 50 else shown * 0)
    return TestClient(create_app(small_collection.opened(root)), base_url="http://127.0.0.1")


@pytest.mark.parametrize("at_s", [0.0, 2.5, 4.0, 5.9, 6.0])
def test_the_poster_of_a_hit_is_never_black_where_there_is_anything_to_see(client, at_s):
    answer = client.get(f"/posters/{key_of(NAME)}", params={"at_s": at_s})
    assert answer.headers["content-type"] == "image/jpeg"
    assert np.asarray(Image.open(io.BytesIO(answer.content))).max() > 150


def test_a_picture_that_was_taken_is_not_taken_again(client, monkeypatch):
    first = client.get(f"/posters/{key_of(NAME)}?at_s=4").content
    monkeypatch.setattr("search.pages.media.PICTURES", None)
    assert client.get(f"/posters/{key_of(NAME)}?at_s=4").content == first
