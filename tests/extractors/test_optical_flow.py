import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import models

from extractors import optical_flow
from extractors.base import FrameNeed, FrameView
from extractors.extraction import segments, views
from extractors.extraction.resize import Resize, resize_frame
from extractors.networks.raft import FilmRaft
from extractors.networks.video_networks import I3D
from extractors.optical_flow import Expert, Params
from pipeline.errors import WeightsError
from pipeline.media.video import probe
from pipeline.weights import seeded as weights_seeded
from tests.clips import make_clip
from tests.extractors.reference import items, of_peer, picture, relative_l2, seeded


class Still:
    """Sees all move by 10 px to the right and 40 px down."""

    def flow(self, films, iterations, at_once):
        moved = torch.tensor([10.0, 40.0])[None, :, None, None]
        yield torch.zeros(len(films) * (films.shape[1] - 1), 2, *films.shape[3:]) + moved


@pytest.mark.parametrize(("side", "expected"), [(224, 0.5), (128, 0.875)])
def test_flow_is_cut_at_20_px_and_counts_in_px_of_what_the_stream_is_shown(side, expected):
    expert = Expert(Params(crop_px=side))
    expert._raft = Still()
    flow = expert._flow(torch.zeros(2, 17, side, side, 3, dtype=torch.uint8))
    assert flow.shape == (2, 2, 16, 224, 224)
    np.testing.assert_allclose(flow[:, 0], expected, atol=1e-6)
    np.testing.assert_allclose(flow[:, 1], 1.0)


def as_video_features_sees(raft, frames, iterations):
    """Flow (2, T, 224, 224) between frames (T + 1, H, W, 3), as https://github.com/v-iashin/video_features at a2f61b7
    shows it to I3D: of frames that are padded evenly to multiples of 8, cropped, and rounded to 8 bits."""
    height, width = frames.shape[1:3]
    down, right = -height % 8, -width % 8
    up, left = down // 2, right // 2
    padded = np.pad(frames, ((0, 0), (up, down - up), (left, right - left), (0, 0)), mode="edge")
    planes = 2 * (torch.from_numpy(padded).permute(0, 3, 1, 2).float() / 255) - 1
    with torch.inference_mode():
        flow = raft(planes[:-1], planes[1:], num_flow_updates=iterations)[-1]
    top, left = (flow.shape[2] - 224) // 2, (flow.shape[3] - 224) // 2
    square = flow[:, :, top : top + 224, left : left + 224].clamp(-20, 20)
    return (2 * (128 + 255 / 40 * square).round() / 255 - 1).transpose(0, 1)


def moving(height, width, frames):
    """Frames (T, H, W, 3) of a blurred texture that moves by (2, 1) px a frame."""
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
    return np.stack([cv2.GaussianBlur(np.roll(noise, (k, 2 * k), (0, 1)), (0, 0), 3) for k in range(frames)])


@pytest.mark.parametrize(("height", "width"), [(226, 301), (256, 229)])
def test_flow_of_the_whole_frame_is_that_of_video_features(height, width):
    raft = weights_seeded.fill(models.get_model("raft_small", weights=None)).eval()
    expert = Expert(Params(iterations=2, flow_of="frame", eight_bit=True, pairs_at_once=1))
    expert._raft = FilmRaft(raft)
    frames = moving(height, width, 3)
    expected = as_video_features_sees(raft, frames, 2)
    with torch.inference_mode():
        found = expert._flow(torch.from_numpy(frames[None]))[0]
    assert expected.std() > 0.001, "there is motion"
    # Rounding carries a few values that lie between two steps to the other one.
    assert np.linalg.norm(found - expected) / np.linalg.norm(expected) < 1e-4
    levels = (found + 1) / 2 * 255
    np.testing.assert_allclose(levels, levels.round(), atol=1e-3)


def test_of_a_whole_frame_only_the_middle_of_a_very_wide_one_is_shown():
    """RAFT's memory grows with the square of the area: one such video would end the run of all."""
    expert = Expert(Params(flow_of="frame", resize_px=224))
    assert expert.need.crop_px is None
    frames = np.broadcast_to(np.arange(1000)[:, None], (17, 224, 1000, 3)).astype(np.uint8)
    times_s = np.array([[0.0, 0.64]])
    shown = expert.prepare(FrameView(frames, np.zeros(1, np.int64), 17, times_s))
    np.testing.assert_array_equal(shown[0], frames[:, :, 164 : 164 + 672])
    narrow = expert.prepare(FrameView(frames[:, :, :400], np.zeros(1, np.int64), 17, times_s))
    np.testing.assert_array_equal(narrow[0], frames[:, :, :400])


@pytest.mark.slow
def test_flow_of_raft_is_that_of_the_raft_of_video_features():
    """Of that program's own network, with the stand-in weights of torchvision's; see reference_data/README.md."""
    expert = Expert(Params("torchvision/raft_large.C_T_SKHT_V1", iterations=20, flow_of="frame", eight_bit=True))
    expert._raft = FilmRaft(weights_seeded.fill(models.get_model("raft_large", weights=None)).eval())
    frames = np.stack([resize_frame(picture(index, 120, 213), Resize.of(expert.need)) for index in range(2)])
    with torch.inference_mode():
        found = expert._flow(torch.from_numpy(frames[None]))[0]
    levels, expected = ((found + 1) / 2 * 255).numpy(), of_peer("flow_levels").astype(np.float32)
    assert np.ptp(expected) > 50, "there is motion"
    np.testing.assert_allclose(levels, expected, atol=1.01)  # a value between two steps may go to the other one
    assert np.mean(np.abs(levels - expected) < 0.5) > 0.999


@pytest.mark.slow
def test_a_whole_video_gives_the_flow_features_of_video_features(tmp_path):
    path = make_clip(tmp_path / "clip.mp4", size=(320, 240), seconds=0.68, picture=lambda k: moving(240, 320, k + 1)[k])
    expert = seeded(optical_flow, iterations=2, flow_of="frame", eight_bit=True, epsilon=1e-5)
    native = views.decode_views(segments.Segment(path, "key", 0, ()), probe(path), {FrameNeed(25.0)})
    pictures = [Image.fromarray(one) for one in native[FrameNeed(25.0)].view.frames]
    frames = np.stack([np.asarray(one.resize((341, 256), Image.Resampling.BILINEAR)) for one in pictures])
    assert len(frames) == 17
    flow = as_video_features_sees(expert._raft.network, frames, 2)[None]
    stream = weights_seeded.fill(I3D(2)).eval()  # the batch norm of torch, whose epsilon is 1e-5, as that program's
    with torch.inference_mode():
        expected = stream(flow).numpy()
    found = expert.embed(items(expert, path)).values
    assert found.shape == expected.shape == (1, 1024)
    assert relative_l2(found, expected) < 1e-4


@pytest.mark.slow
def test_windows_become_rows_in_any_batch():
    expert = seeded(optical_flow, crop_px=128, resize_px=146, iterations=4, pairs_at_once=5)
    clips = np.random.default_rng(0).integers(0, 256, (2, 17, 128, 128, 3)).astype(np.uint8)
    together = expert.embed(clips).values
    assert together.shape == (2, 1024)
    np.testing.assert_allclose(expert.embed(clips[1:]).values[0], together[1], atol=1e-3)


def test_only_the_stream_needs_a_file_in_the_yaml():
    expert = Expert(Params())
    assert expert.published_file("flow").cached_as.rpartition("/")[2] == "raft_small_C_T_V2-01064c6d.pth"
    with pytest.raises(WeightsError, match="name a file"):
        expert.published_file("stream")


@pytest.mark.parametrize(
    "wrong", [{"crop_px": 120}, {"crop_px": 130}, {"window": 8}, {"iterations": 0}, {"network": "torchvision/resnet50"}]
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must|needs|above"):
        Params(**wrong)
