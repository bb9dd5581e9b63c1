"""What networks of transformers are given of windows of sound: spectrograms, or samples.

B items, S samples of a window.
"""

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors.networks.placing import without_autocast
from extractors.shown.shown_views import AudioView, JointView

_EDGE = 1e-6


def sound_items(view: AudioView) -> NDArray[Any]:
    """The items (N,) of a view with the fields samples (S,) and num: how many samples there are before the padding."""
    items = np.zeros(len(view.starts), sound_type(view.window))
    items["samples"] = view.windows
    seconds = view.times_s[:, 1] - view.times_s[:, 0]
    items["num"] = np.minimum(np.ceil(seconds * view.rate_hz - _EDGE), view.window)
    return items


def sound_type(num_samples: int) -> np.dtype[Any]:
    """The type of an item with a window of so many samples."""
    return np.dtype([("samples", np.float32, (num_samples,)), ("num", np.int64)])


def joint_items(view: JointView, window: int) -> NDArray[Any]:
    """The items (N,) of a view of frames with their sound: frames (T, H, W, 3), seconds that they last, samples, num.

    Where nothing is heard `num` is 0.
    """
    frames = view.frames.windows
    shown = np.dtype([("frames", np.uint8, frames.shape[1:]), ("seconds", np.float64)])
    items = np.zeros(len(view.times_s), np.dtype([*shown.descr, *sound_type(window).descr]))
    if not len(items):
        return items
    items["frames"], items["seconds"] = frames, view.times_s[:, 1] - view.times_s[:, 0]
    if view.sound is not None:
        heard = view.sound_items >= 0
        of_sound = sound_items(view.sound)[view.sound_items[heard]]
        for field in ("samples", "num"):
            items[field][heard] = of_sound[field]
    return items


def clap_input(items: NDArray[Any], rate_hz: int, settings: Any) -> NDArray[np.float32]:
    """CLAP's spectrograms, (B, 4, T, 64) or (B, 1, T, 64): sound that is shorter than a window is repeated."""
    window = items["samples"].shape[1]
    extractor = _clap_extractor(rate_hz, window / rate_hz, bool(settings.audio_config.enable_fusion))
    sounds = [samples[: max(1, num)] for samples, num in zip(*_fields(items), strict=True)]
    with without_autocast("cpu"):  # the spectrograms are computed there, also for a network on a GPU
        told = extractor(sounds, sampling_rate=rate_hz, max_length=window, return_tensors="np")
    return np.asarray(told["input_features"], np.float32)


@functools.cache
def _clap_extractor(rate_hz: int, window_s: float, fusion: bool) -> Any:
    from transformers import ClapFeatureExtractor

    with warnings.catch_warnings():
        # Some mel bands are narrower than the spacing of the frequencies; CLAP was trained with them.
        warnings.filterwarnings("ignore", "At least one mel filter has all zero values")
        return ClapFeatureExtractor(
            sampling_rate=rate_hz, max_length_s=window_s, truncation="fusion" if fusion else "rand_trunc"
        )


def pe_vectors(
    items: NDArray[Any], settings: Any, compute: Callable[[slice, NDArray[np.float32]], NDArray[np.float32]]
) -> NDArray[np.float32]:
    """(B, D) of the items; `compute(which, samples (b, 1, S))` gives the vectors of some of them, from their samples.

    Sound that is shorter than a window is computed alone and without padding, since PE-Audio lets padding through its
    mask; all the others in one batch of B, so that none depends on how many of the others are short.
    """
    hop = int(codec_of(settings).hop_length)
    sounds = [_whole_steps(samples[: max(1, num)], hop) for samples, num in zip(*_fields(items), strict=True)]
    length = items["samples"].shape[1]
    length += -length % hop
    is_full = [len(sound) == length for sound in sounds]
    batch = np.stack([np.pad(sound, (0, length - len(sound))) for sound in sounds])[:, None]
    together = compute(slice(None), batch) if any(is_full) else None
    return np.stack(
        [
            together[number]
            if full and together is not None
            else compute(slice(number, number + 1), sound[None, None])[0]
            for number, (full, sound) in enumerate(zip(is_full, sounds, strict=True))
        ]
    )


def _fields(items: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    return items["samples"], items["num"]


def _whole_steps(sound: NDArray[np.float32], hop: int) -> NDArray[np.float32]:
    """The sound, mirrored at its end up to a whole step of the codec, as PE-AV's feature extractor does."""
    return np.pad(sound, (0, -len(sound) % hop), "reflect")


def codec_of(settings: Any) -> Any:
    """The settings of the codec in those of a PE-Audio or PE-AV network."""
    both = getattr(settings, "audio_video_config", None)
    return (both.audio_config if both is not None else settings.audio_config).dac_config
