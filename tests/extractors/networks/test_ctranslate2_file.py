import struct

import pytest
from ctranslate2.specs import WhisperSpec

from extractors.networks.ctranslate2_file import TENSOR, check_whisper
from pipeline.errors import WeightsError
from tests.extractors.run_experts import named

SETTINGS = "decoder/num_heads"


def whisper():
    """Names of the tensors of a Whisper of one and two layers, and one of its settings."""
    names = {name for name in WhisperSpec(1, 1, 2, 1).variables() if TENSOR.fullmatch(name)}
    names |= {f"{name.removesuffix('weight')}bias" for name in names if "linear" in name or "conv" in name}
    return sorted({*names, SETTINGS, *(f"{side}/position_encodings/encodings" for side in ("encoder", "decoder"))})


def write(path, names, aliases=(), version=6):
    """A file of CTranslate2 in which each tensor is two numbers."""

    def text(name):
        return struct.pack("<H", len(name) + 1) + name.encode() + b"\0"

    parts = [struct.pack("<I", version), text("WhisperSpec"), struct.pack("<II", 3, len(names))]
    parts += [text(name) + struct.pack("<BIBI2f", 1, 2, 0, 8, 0.0, 1.0) for name in names]
    parts += [struct.pack("<I", len(aliases)), *(text(one) + text(other) for one, other in aliases)]
    path.write_bytes(b"".join(parts))
    return path


def test_a_whole_file_is_taken_whatever_name_its_last_layer_has(tmp_path):
    names = whisper()
    check_whisper(write(tmp_path / "model.bin", names))
    names.remove("decoder/projection/weight")
    check_whisper(write(tmp_path / "model.bin", names, [("decoder/projection/weight", "decoder/embeddings/weight")]))
    check_whisper(write(tmp_path / "model.bin", [*whisper(), "encoder/conv1/weight_scale"]))
    check_whisper(named("speech_fast").extractor.weight_path("network"))


@pytest.mark.parametrize("name", [name for name in whisper() if name != SETTINGS])
def test_a_tensor_that_is_missing_is_named(tmp_path, name):
    path = write(tmp_path / "model.bin", [one for one in whisper() if one != name])
    with pytest.raises(WeightsError, match=f"model.bin: tensors of the network that no file holds: .*{name}"):
        check_whisper(path)


@pytest.mark.parametrize("name", ["encoder/extra/weight", "encoder/layer_0/ffn/linear_9/bias", "another_scale"])
def test_one_too_many_is_named(tmp_path, name):
    with pytest.raises(WeightsError, match=f"that the network does not have: {name}"):
        check_whisper(write(tmp_path / "model.bin", [*whisper(), name]))


def test_what_is_no_such_file_is_told_and_an_old_one_is_left_to_the_library(tmp_path):
    check_whisper(write(tmp_path / "model.bin", whisper()[:3], version=3))
    (tmp_path / "model.bin").write_bytes(b"\x06\0\0\0no")
    with pytest.raises(WeightsError, match="no file of CTranslate2"):
        check_whisper(tmp_path / "model.bin")
