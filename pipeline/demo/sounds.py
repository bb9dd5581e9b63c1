"""Synthesises the sounds of demo videos, which differ in frequency and rhythm. N: samples."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]

SAMPLE_RATE_HZ = 44_100


def sound(name: str, duration_s: float, key: str) -> NDArray[np.float32]:
    """The sound for the whole duration, mono, (N,) within -0.6 to 0.6; `key` varies its pitch and loudness a little."""
    rng = np.random.default_rng(list(f"{key}/sound".encode()))
    time_s = np.arange(round(duration_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    samples = SOUNDS[name](time_s, rng)
    loudness = rng.uniform(0.35, 0.6) / float(np.abs(samples).max())
    return (samples * loudness).astype(np.float32)


def _tone(time_s: Samples, hz: float) -> Samples:
    return np.sin(2 * np.pi * hz * time_s)


def _pulses(time_s: Samples, period_s: float, on_s: float) -> Samples:
    """An envelope: 1 for the first `on_s` of each period, else 0, with ramps of 10 ms to avoid clicks."""
    phase_s = time_s % period_s
    return (np.minimum(phase_s, on_s - phase_s) / 0.01).clip(0, 1)


def _mix(tones: list[Samples]) -> Samples:
    return np.asarray(np.sum(tones, axis=0), np.float64)


def _high_beep(time_s: Samples, rng: np.random.Generator) -> Samples:
    return _tone(time_s, 1500 * rng.uniform(0.95, 1.05)) * _pulses(time_s, 0.5, 0.25)


def _low_beep(time_s: Samples, rng: np.random.Generator) -> Samples:
    hz = 220 * rng.uniform(0.95, 1.05)
    return (_tone(time_s, hz) + 0.3 * _tone(time_s, 2 * hz)) * _pulses(time_s, 0.8, 0.5)


def _hiss(time_s: Samples, rng: np.random.Generator) -> Samples:
    return np.diff(rng.uniform(-1, 1, len(time_s) + 1))


def _siren(time_s: Samples, rng: np.random.Generator) -> Samples:
    period_s = rng.uniform(1.3, 1.7)
    hz = 800 + 350 * np.sin(2 * np.pi * time_s / period_s)
    return np.sin(2 * np.pi * np.cumsum(hz) / SAMPLE_RATE_HZ)


def _drum(time_s: Samples, rng: np.random.Generator) -> Samples:
    phase_s = time_s % rng.uniform(0.35, 0.45)
    return _tone(phase_s, 85) * np.exp(-phase_s * 25) + rng.normal(0, 0.5, len(time_s)) * np.exp(-phase_s * 60)


def _chord(time_s: Samples, rng: np.random.Generator) -> Samples:
    root_hz = 262 * rng.uniform(0.95, 1.05)
    notes = [_tone(time_s, root_hz * ratio * overtone) for ratio in (1, 1.26, 1.5) for overtone in (1, 2, 3)]
    return _mix(notes)


def _birdsong(time_s: Samples, rng: np.random.Generator) -> Samples:
    period_s = rng.uniform(0.28, 0.36)
    hz = 3200 + 2000 * (time_s % period_s) / 0.15
    return np.sin(2 * np.pi * np.cumsum(hz) / SAMPLE_RATE_HZ) * _pulses(time_s, period_s, 0.15)


def _bell(time_s: Samples, rng: np.random.Generator) -> Samples:
    phase_s = time_s % rng.uniform(1.0, 1.4)
    hz = 620 * rng.uniform(0.95, 1.05)
    partials = [_tone(phase_s, hz * ratio) for ratio in (0.5, 1, 1.19, 2.74, 4.07)]
    return _mix(partials) * np.exp(-phase_s * 3)


def _engine(time_s: Samples, rng: np.random.Generator) -> Samples:
    hz = 55 * rng.uniform(0.9, 1.1)
    saw = _mix([_tone(time_s, hz * n) / n for n in range(1, 12)])
    return saw * (1 + 0.5 * _tone(time_s, 11)) + rng.normal(0, 0.1, len(time_s))


SOUNDS: dict[str, Callable[[Samples, np.random.Generator], Samples]] = {
    "high beep": _high_beep,
    "low beep": _low_beep,
    "hiss": _hiss,
    "siren": _siren,
    "drum": _drum,
    "chord": _chord,
    "birdsong": _birdsong,
    "bell": _bell,
    "engine": _engine,
}
