import subprocess
import sys

import numpy as np
import pytest

from extractors.text.hashed_words import EncoderParams, vectors

PARAMS = EncoderParams()


def cosine(first, second):
    pair = vectors([first, second], PARAMS)
    return float(pair[0] @ pair[1])


def test_vectors_have_length_one_and_ignore_case_and_unicode_form():
    both = vectors(["Café", "CAFE\N{COMBINING ACUTE ACCENT}"], PARAMS)
    assert both.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(both, axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(both[0], both[1])


def test_forms_of_a_word_are_near_and_other_words_are_not():
    assert cosine("harbor", "harbors") > 0.6
    others = vectors(["harbor", "bakery", "elephant", "music", "ticket", "window", "rain"], PARAMS)
    between = (others @ others.T)[~np.eye(len(others), dtype=bool)]
    assert np.abs(between).max() < 0.25


def test_no_words_are_no_vectors():
    assert vectors([], PARAMS).shape == (0, 300)


def test_another_process_gives_the_same_vector_whatever_its_hash_seed():
    code = "from extractors.text.hashed_words import *; print(vectors(['harbor'], EncoderParams()).tobytes().hex())"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "1"}
    )
    assert bytes.fromhex(run.stdout) == vectors(["harbor"], PARAMS).tobytes()


def test_the_signs_are_the_bits_of_blake2b():
    import hashlib

    params = EncoderParams(dim=600, shortest=9, longest=9)  # too long for any n-gram: the marked word is all there is
    digests = [hashlib.blake2b(b"<cat>", salt=bytes([block]) + bytes(15)).digest() for block in (0, 1)]
    bits = "".join(f"{byte:08b}" for digest in digests for byte in digest)[:600]
    expected = np.array([1 if bit == "1" else -1 for bit in bits]) / np.sqrt(600)
    np.testing.assert_allclose(vectors(["cat"], params)[0], expected, rtol=1e-6)


@pytest.mark.parametrize("wrong", [{"dim": 0}, {"shortest": 0}, {"shortest": 4, "longest": 3}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=r"dim|n-grams"):
        EncoderParams(**wrong)
