"""Videos for the tests of manifests."""

from pipeline.datasets.annotations import Caption
from pipeline.datasets.video import Video


def some(num):
    """So many videos, in three splits, with no, one and two captions."""
    captions = ((), (Caption("One"),), (Caption("Two", ("rgb",)), Caption("Three", ("a", "b"))))
    return [
        Video(
            f"{n:03}.mp4", f"{n:032}", ("train", "val", "")[n // 3 % 3], captions[n % 3], n / 3, True, False, n % 2 == 0
        )
        for n in range(num)
    ]
