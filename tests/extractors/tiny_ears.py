"""A tiny CLAP that is taught on the spot what a hum, a beep and a hiss are called, in the form that the hub has."""

from pathlib import Path

import numpy as np
import torch
from transformers import ClapModel

from extractors.networks.sound_inputs import clap_input, sound_type
from tests.extractors.hub_folder import NAME, REVISION, folder_of, release, tokenizer

RATE_HZ, WINDOW_S, DIM, LENGTH = 48000, 2.0, 16, 8
SOUNDS = ("dog", "cat", "loudly")
"""What the tiny tokenizer knows by name: a hum, a beep and a hiss stand for them."""
STEPS = 12


def sound(name: str, seconds: float, random: np.random.Generator, rate_hz: int = RATE_HZ) -> np.ndarray:
    """(S,) float32: a hum of 120 to 200 Hz, a beep of 2 to 3 kHz, or noise."""
    times_s = np.arange(round(seconds * rate_hz)) / rate_hz
    hz = {"dog": random.uniform(120, 200), "cat": random.uniform(2000, 3000)}.get(name)
    wave = random.normal(size=len(times_s)) * 0.5 if hz is None else np.sin(2 * np.pi * hz * times_s)
    return (0.5 * wave).astype(np.float32)


def taught(cache: Path) -> dict[str, str | int | float]:
    """Writes the network into the cache of weights; returns its settings as an expert's YAML has them."""
    model, _ = release(cache, "clap", dim=DIM, max_tokens=LENGTH)
    assert isinstance(model, ClapModel)
    random, optimiser = np.random.default_rng(0), torch.optim.Adam(model.parameters(), 5e-3)
    words = tokenizer()([f"a {name}" for name in SOUNDS], padding="max_length", max_length=LENGTH, return_tensors="pt")
    model.eval()
    for _ in range(STEPS):
        items = np.zeros(6, sound_type(round(WINDOW_S * RATE_HZ)))
        items["samples"] = [sound(name, WINDOW_S, random) for name in SOUNDS * 2]
        items["num"] = items["samples"].shape[1]
        spectrograms = torch.tensor(clap_input(items, RATE_HZ, model.config))
        heard = model.get_audio_features(spectrograms, is_longer=torch.zeros(6, 1, dtype=torch.bool)).pooler_output
        said = model.get_text_features(**words).pooler_output
        loss = torch.nn.functional.cross_entropy(10 * heard @ said.T, torch.tensor([0, 1, 2, 0, 1, 2]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    model.save_pretrained(folder_of(cache))
    return {"network": NAME, "revision": REVISION, "dim": DIM}
