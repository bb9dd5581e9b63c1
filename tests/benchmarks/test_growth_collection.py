import pytest

from benchmarks.growth_collection import NUM_KINDS, Grown, name_of, number_of
from pipeline.datasets.stamps import content_of
from pipeline.media.sidecars import sidecars
from pipeline.media.video import probe


@pytest.fixture(scope="module")
def grown(tmp_path_factory) -> Grown:
    root = tmp_path_factory.mktemp("grown")
    made = Grown(root / "project", ("rgb_light",))
    made.make(root / "kinds")
    return made


@pytest.mark.slow
def test_videos_of_one_kind_look_alike_and_each_has_a_content_of_its_own(grown):
    grown.add(range(2))
    grown.add([NUM_KINDS])
    files = sorted(grown.videos.rglob("*.mp4"))
    assert [number_of(path.name) for path in files] == [0, 1, NUM_KINDS]
    assert len({content_of(path, sidecars(path)) for path in files}) == len(files)
    first, _, third = ((info.duration_s, info.has_audio, info.has_subtitles) for info in map(probe, files))
    assert first == third
    lines = grown.videos.with_suffix(".csv").read_text().splitlines()
    assert [line.partition(",")[0] for line in lines] == ["video", *(name_of(at) for at in (0, 1, NUM_KINDS))]
