import gc
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from pipeline.media import cursor, picture
from pipeline.media.picture import Display, Orientation, orientation_of, stretched_px
from pipeline.media.video import frames_at, probe
from tests.clips import make_clip, numbered, set_display_matrix
from tests.pipeline.media.sample_clips import decoded_in_order
from tests.pipeline.media.sample_frames import KR_KB, flagged, flat_frame, rgb_by_formula, seen


def shown(path, times_s=None):
    """The pictures of a file, at the times of its frames unless told otherwise."""
    info = probe(path)
    pictures = [pixels for _, pixels in frames_at(path, info.frame_times_s if times_s is None else times_s, info)]
    assert {pixels.shape for pixels in pictures} == {(info.height_px, info.width_px, 3)}
    assert all(pixels.flags.c_contiguous and pixels.dtype == np.uint8 for pixels in pictures)
    return pictures


def moved(pixels, a, b, c, d):
    """The definition of a display matrix: what was at (x, y) comes to (a x + c y, b x + d y), shifted into view."""
    y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    to_x, to_y = a * x + c * y, b * x + d * y
    to_x, to_y = to_x - to_x.min(), to_y - to_y.min()
    out = np.zeros((to_y.max() + 1, to_x.max() + 1, 3), np.uint8)
    out[to_y, to_x] = pixels
    return out


EIGHT = [
    (1, 0, 0, 1),
    (-1, 0, 0, 1),
    (1, 0, 0, -1),
    (-1, 0, 0, -1),
    (0, 1, -1, 0),
    (0, -1, 1, 0),
    (0, 1, 1, 0),
    (0, -1, -1, 0),
]


@pytest.mark.parametrize("matrix", EIGHT)
def test_a_picture_is_turned_and_mirrored_by_its_display_matrix(tmp_path, matrix):
    flat = make_clip(tmp_path / "flat.mp4", sound=None, seconds=0.12)
    path = set_display_matrix(make_clip(tmp_path / "a.mp4", sound=None, seconds=0.12), *matrix)
    for pixels, native in zip(shown(path), decoded_in_order(flat), strict=True):
        np.testing.assert_array_equal(pixels, moved(native, *matrix))


@pytest.mark.parametrize(("degrees", "turns"), [(10, 0), (-30, 0), (80, 1), (100, 1), (170, 2), (260, 3)])
def test_another_angle_is_the_nearest_quarter_turn(tmp_path, degrees, turns):
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    flat = make_clip(tmp_path / "flat.mp4", sound=None, seconds=0.04)
    path = set_display_matrix(make_clip(tmp_path / "a.mp4", sound=None, seconds=0.04), cosine, -sine, sine, cosine)
    np.testing.assert_array_equal(shown(path)[0], np.rot90(decoded_in_order(flat)[0], turns))


class FakeFrame:
    """A frame with a display matrix, or with side data that PyAV does not know."""

    def __init__(self, matrix=None, rotation=0):
        self.rotation = rotation
        self._matrix = matrix

    @property
    def side_data(self):
        if self._matrix is None:
            raise ValueError("29 is not a valid Type")
        return {"DISPLAYMATRIX": np.array(self._matrix, np.int32)}


@pytest.fixture
def fake_side_data(monkeypatch):
    real = picture._side_data
    monkeypatch.setattr(
        picture, "_side_data", lambda frame: frame.side_data if isinstance(frame, FakeFrame) else real(frame)
    )


def test_a_frame_that_was_looked_at_does_not_wait_for_the_garbage_collector(clip):
    """One of 8K takes 50 MB, and the collector comes after hundreds of objects."""
    with av.open(str(clip)) as container:
        gc.collect()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            for frame in container.decode(video=0):
                orientation_of(frame)
            del frame
            gc.collect()
            assert not [each for each in gc.garbage if isinstance(each, av.VideoFrame)]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()


def test_a_matrix_that_maps_everything_to_a_line_is_none(fake_side_data):
    assert orientation_of(FakeFrame([0] * 9)) is None
    assert orientation_of(FakeFrame([1, 1, 0, 1, 1, 0, 0, 0, 1])) is None
    assert orientation_of(av.VideoFrame(16, 16)) is None


@pytest.mark.parametrize("degrees", [0, 90, 180, -90])
def test_the_rotation_is_known_beside_side_data_that_is_not(fake_side_data, degrees):
    pixels = numbered(5)
    orientation = orientation_of(FakeFrame(rotation=degrees))
    np.testing.assert_array_equal(orientation.apply(pixels), np.rot90(pixels, degrees // 90))


def test_an_orientation_that_only_the_first_frame_tells_holds_for_all(tmp_path):
    """A message of the H.264 stream (SEI) with a repetition period: it stands until another comes."""
    flat = make_clip(tmp_path / "flat.mp4", sound=None, seconds=4, fps=10, gop=10)
    path = tmp_path / "sei.mp4"
    with av.open(str(flat)) as source, av.open(str(path), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        message = av.BitStreamFilterContext(
            "h264_metadata=display_orientation=insert:rotate=90", source.streams.video[0]
        )
        for packet in source.demux(video=0):
            for changed in message.filter(packet if packet.size else None):
                changed.stream = stream
                out.mux(changed)
    native = decoded_in_order(flat)
    for times_s, wanted in ((np.array([0.0, 0.5]), [native[0], native[5]]), (np.array([3.5]), [native[35]])):
        for pixels, flat_pixels in zip(shown(path, times_s), wanted, strict=True):
            np.testing.assert_array_equal(pixels, np.rot90(flat_pixels, 1))


def disc(size, radius_x, radius_y):
    """A red disc on blue, in the middle."""
    width, height = size
    y, x = np.mgrid[:height, :width]
    inside = ((x - width / 2) / radius_x) ** 2 + ((y - height / 2) / radius_y) ** 2 <= 1
    return np.where(inside[..., None], np.uint8([220, 30, 30]), np.uint8([20, 60, 140])).astype(np.uint8)


def roundness(pixels):
    """Width over height of what is red."""
    red = pixels[..., 0] > 128
    return np.ptp(np.nonzero(red.any(0))[0]) / np.ptp(np.nonzero(red.any(1))[0])


@pytest.mark.parametrize(
    ("coded", "aspect", "size"),
    [
        ((160, 240), Fraction(2), (320, 240)),
        ((320, 240), Fraction(1, 2), (320, 480)),
        ((720, 576), Fraction(64, 45), (1024, 576)),
        ((720, 480), Fraction(8, 9), (720, 540)),
        ((720, 480), Fraction(32, 27), (853, 480)),
    ],
)
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "turned.mp4"])
def test_a_disc_of_pixels_that_are_not_square_is_round(tmp_path, coded, aspect, size, name):
    radius = 60
    pixels = disc(coded, radius / max(1, float(aspect)), radius * min(1, float(aspect)))
    path = make_clip(
        tmp_path / name, size=coded, sound=None, seconds=0.08, picture=lambda index: pixels, pixel_aspect=aspect
    )
    if name == "turned.mp4":
        path = set_display_matrix(path, 0, 1, -1, 0)
        size = size[::-1]
    info = probe(path)
    assert (info.width_px, info.height_px) == size
    assert roundness(shown(path)[0]) == pytest.approx(1, abs=0.03)


def test_the_aspect_of_the_container_goes_before_that_of_the_stream(tmp_path):
    path = make_clip(tmp_path / "a.mp4", sound=None, seconds=0.08, pixel_aspect=Fraction(2))
    data = path.read_bytes()
    at = data.index(b"pasp") + 4
    path.write_bytes(data[:at] + (4).to_bytes(4) + (3).to_bytes(4) + data[at + 8 :])
    assert probe(path).width_px == round(160 * 4 / 3)


@pytest.mark.parametrize("aspect", [Fraction(1000), Fraction(1, 1000), Fraction(9)])
def test_an_absurd_aspect_is_none(tmp_path, aspect):
    info = probe(make_clip(tmp_path / "a.mkv", codec="mpeg4", sound=None, seconds=0.08, pixel_aspect=aspect))
    assert (info.width_px, info.height_px) == (160, 120)


@pytest.mark.parametrize("aspect", [None, Fraction(0), Fraction(1000), Fraction(1)])
def test_a_stream_without_a_sane_aspect_has_square_pixels(aspect):
    class Stream:
        sample_aspect_ratio = aspect

    Stream.codec_context = Stream
    assert Display.of(Stream, av.VideoFrame(16, 16)).pixel_aspect == 1


def test_a_side_is_only_ever_made_longer_unless_the_picture_would_be_huge(monkeypatch):
    assert stretched_px(854, 480, Fraction(1280, 1281)) == (854, 480)
    assert stretched_px(3, 2, Fraction(8)) == (24, 2)
    assert stretched_px(3, 2, Fraction(1, 8)) == (3, 16)
    monkeypatch.setattr(picture, "MAX_PIXELS", 10_000)
    for size in ((100, 100), (400, 100), (1, 9999), (1, 10**6)):
        width, height = stretched_px(*size, Fraction(2))
        assert width * height <= 10_000 * 1.02 or min(width, height) == 1
    assert stretched_px(400, 100, Fraction(1)) == (200, 50)


def test_a_huge_frame_is_made_smaller_as_a_whole(tmp_path, monkeypatch):
    path = make_clip(tmp_path / "a.mp4", size=(320, 240), sound=None, seconds=0.08)
    whole = shown(path)[0]
    monkeypatch.setattr(picture, "MAX_PIXELS", 160 * 120)
    small = shown(path)[0]
    assert small.shape == (120, 160, 3)
    means = whole.reshape(120, 2, 160, 2, 3).mean(axis=(1, 3))
    assert np.abs(small - means).mean() < 4


def test_frames_that_no_memory_would_hold_are_not_decoded(tmp_path, monkeypatch):
    path = make_clip(tmp_path / "a.mp4", size=(320, 240), seconds=0.2)
    monkeypatch.setattr(picture, "MAX_DECODED_PIXELS", 320 * 240 - 1)
    info = probe(path)
    assert (info.width_px, info.has_audio, info.note) == (0, True, "frames of 320 x 240 pixels are too large")
    assert list(frames_at(path, info.frame_times_s, info)) == []
    monkeypatch.setattr(picture, "MAX_DECODED_PIXELS", 320 * 240)
    assert probe(path).note == ""
    assert len(shown(path)) == 5


def test_frames_whose_pixels_take_more_bytes_are_too_large_sooner(tmp_path, monkeypatch):
    """A GIF is decoded to 4 bytes a pixel, H.264 to 1.5."""
    sizes = {"a.gif": {"codec": "gif", "fps": 10, "sound": None}, "a.mp4": {"sound": None}}
    paths = [make_clip(tmp_path / name, seconds=0.2, size=(160, 120), **how) for name, how in sizes.items()]
    monkeypatch.setattr(picture, "MAX_DECODED_BYTES", 160 * 120 * 3)
    assert [probe(path).note for path in paths] == ["frames of 160 x 120 pixels are too large", ""]


def test_large_frames_are_shown_as_small_ones_are_one_by_one(tmp_path, monkeypatch):
    path = make_clip(tmp_path / "a.mp4", seconds=2, fps=10, sound=None)
    some_s = np.arange(0, 2, 0.5)
    before = shown(path), shown(path, some_s)
    monkeypatch.setattr(cursor, "LARGE_BYTES", 0)
    np.testing.assert_array_equal(shown(path), before[0])
    np.testing.assert_array_equal(shown(path, some_s), before[1])


LEFT, MIDDLE, RIGHT = 20, 80, 140


def three_alphas(index):
    """Orange under alpha 0, 128 and 255, from left to right."""
    pixels = np.full((120, 160, 4), (250, 130, 10, 255), np.uint8)
    pixels[:, : LEFT + 20, 3], pixels[:, LEFT + 20 : RIGHT - 20, 3] = 0, 128
    return pixels


ALPHA = {
    "vp8.webm": ("libvpx", "yuva420p", {"auto-alt-ref": "0", "deadline": "realtime"}),
    "vp9.webm": ("libvpx-vp9", "yuva420p", {}),
    "vp9.mkv": ("libvpx-vp9", "yuva420p", {}),
    "animation.mov": ("qtrle", "argb", {}),
    "png.mov": ("png", "rgba", {}),
    "prores.mov": ("prores_ks", "yuva444p10le", {"profile": "4444"}),
    "ffv1.mkv": ("ffv1", "yuva420p", {}),
    "raw.avi": ("rawvideo", "bgra", {}),
}


@pytest.mark.parametrize("name", ALPHA)
def test_what_is_transparent_is_shown_on_black(tmp_path, name):
    codec, pixels, encoder = ALPHA[name]
    path = make_clip(
        tmp_path / name, codec=codec, pixels=pixels, encoder=encoder, picture=three_alphas, sound=None, seconds=4, fps=5
    )
    orange = np.array([250, 130, 10])
    for picture_ in shown(path, np.array([0.0, 0.4, 3.6])):
        for x, alpha in ((LEFT, 0), (MIDDLE, 128 / 255), (RIGHT, 1)):
            np.testing.assert_allclose(picture_[60, x], orange * alpha, atol=0 if alpha == 0 else 8)


def test_the_padding_of_raw_rgb32_is_no_alpha_channel(tmp_path):
    path = make_clip(
        tmp_path / "recorder.avi",
        codec="rawvideo",
        pixels="bgra",
        sound=None,
        seconds=0.12,
        picture=lambda index: np.dstack([numbered(index), np.zeros((120, 160), np.uint8)]),
    )
    for index, pixels in enumerate(shown(path)):
        np.testing.assert_array_equal(pixels, numbered(index))


@pytest.mark.parametrize("disposal", [1, 2])
def test_a_gif_is_shown_on_black_and_clears_what_it_says(tmp_path, disposal):
    frames = []
    for step in range(3):
        frame = Image.new("P", (64, 64), 0)
        frame.putpalette([255, 0, 255, 0, 255, 0] + [0] * 762)
        frame.paste(1, (20 * step, 20, 20 * step + 12, 40))
        frames.append(frame)
    path = tmp_path / "a.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:], transparency=0, disposal=disposal, duration=100)
    for step, pixels in enumerate(shown(path)):
        wanted = np.zeros((64, 64, 3), np.uint8)
        for earlier in range(step + 1):
            if earlier == step or disposal == 1:
                wanted[20:40, 20 * earlier : 20 * earlier + 12] = (0, 255, 0)
        np.testing.assert_array_equal(pixels, wanted)


def bar(moment, size=(320, 240)):
    """A white bar that moves to the right, on a grey ramp: combed where two moments are woven."""
    width, height = size
    pixels = np.repeat(np.linspace(40, 120, height)[:, None, None], width, axis=1).repeat(3, axis=2).astype(np.uint8)
    left = 20 + 8 * moment
    pixels[height // 5 : -height // 5, left : left + 40] = 230
    return pixels


def woven(index):
    """Two moments in one frame: the odd lines show the first one (bottom field first, as encoders do untold)."""
    pixels = bar(2 * index + 1)
    pixels[1::2] = bar(2 * index)[1::2]
    return pixels


INTERLACED = {
    "h264.mp4": ("libx264", {"x264-params": "tff=1"}),
    "h264.ts": ("libx264", {"x264-params": "tff=1"}),
    "mpeg2.mpg": ("mpeg2video", {"flags": "+ilme+ildct", "b": "20M"}),
    "mpeg4.avi": ("mpeg4", {"flags": "+ilme+ildct", "b": "20M"}),
}


@pytest.fixture(scope="module", params=INTERLACED)
def interlaced(request, tmp_path_factory):
    codec, encoder = INTERLACED[request.param]
    path = tmp_path_factory.mktemp("interlaced") / request.param
    return make_clip(path, codec=codec, encoder=encoder, picture=woven, size=(320, 240), sound=None, seconds=0.6, gop=6)


def test_an_interlaced_frame_is_shown_as_its_first_field_saw_it(interlaced):
    native = decoded_in_order(interlaced)
    with av.open(str(interlaced)) as container:
        assert all(frame.interlaced_frame for frame in container.decode(video=0)), "the test would prove nothing"
    for index, (pixels, combed) in enumerate(zip(shown(interlaced), native, strict=True)):
        whole = bar(2 * index).astype(np.int64)
        assert np.abs(pixels - whole).mean() < np.abs(combed - whole).mean() / 2
        assert combing(pixels) < combing(combed) / 5


def combing(pixels):
    """How far lines are from the mean of their neighbours."""
    lines = pixels[..., 1].astype(np.float64)
    return np.abs(lines[1:-1] - (lines[:-2] + lines[2:]) / 2).mean()


@pytest.mark.parametrize(("fields", "first", "moment"), [("tff", 0, 1), ("bff", 1, 0)])
def test_the_lines_of_the_first_field_are_kept(fields, first, moment):
    grey = av.VideoFrame.from_ndarray(woven(0), format="rgb24").reformat(format="yuv444p", dst_color_range=2)
    frame = flagged(grey, fields)
    assert frame.interlaced_frame
    pixels = seen(frame)
    np.testing.assert_allclose(pixels[first::2], bar(moment)[first::2], atol=2)
    assert np.abs(pixels.astype(np.int64) - bar(moment)).mean() < 1


def test_a_deinterlaced_picture_depends_on_its_own_frame_alone(interlaced):
    info = probe(interlaced)
    every = shown(interlaced)
    for index in (1, 5, 9, 14):
        np.testing.assert_array_equal(shown(interlaced, info.frame_times_s[index : index + 1])[0], every[index])


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv422p10le", "yuv444p"])
@pytest.mark.parametrize("size", [(64, 48), (33, 9), (16, 2), (1, 1)])
def test_an_interlaced_frame_keeps_its_colours_and_its_size(size, pixels):
    frame = flagged(flat_frame(size, pixels, (100, 90, 170), 9, True), "tff")
    frame.colorspace, frame.color_range = 9, 2
    got = seen(frame)
    assert got.shape == (size[1], size[0], 3)
    np.testing.assert_allclose(got, np.broadcast_to(rgb_by_formula(100, 90, 170, *KR_KB[9], True), got.shape), atol=3)


def test_the_orientation_of_a_picture_is_a_view():
    pixels = numbered(3)
    assert np.shares_memory(Orientation(True, True, False).apply(pixels), pixels)
