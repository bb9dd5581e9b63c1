import numpy as np
import pytest

from pipeline.errors import DecodeError
from pipeline.media.audio import read_audio
from pipeline.media.video import probe
from tests.clips import AUDIO_HZ, make_clip, tone

RATE_HZ = 16000
CONTAINERS = {"a.mp4": "libx264", "a.mkv": "libx264", "a.mov": "libx264", "a.webm": "libvpx-vp9", "a.ts": "libx264"}
PRIMING_S = {"a.ts": 1024 / AUDIO_HZ}
"""What an AAC encoder puts before the sound, and a container without edit lists cannot cut off."""


def sweep(seconds):
    """Rising from 100 Hz: no two moments of it are alike."""
    at_s = np.arange(round(seconds * AUDIO_HZ)) / AUDIO_HZ
    return (0.5 * np.sin(2 * np.pi * (100 * at_s + 15 * at_s**2))).astype(np.float32)


def truth(seconds, rate_hz=RATE_HZ):
    at_s = np.arange(round(seconds * rate_hz)) / rate_hz
    return 0.5 * np.sin(2 * np.pi * (100 * at_s + 15 * at_s**2))


def shift_s(samples, wanted):
    """By how much `samples` comes later than `wanted`, from the peak of their correlation."""
    from scipy.signal import correlate

    return (int(np.argmax(correlate(samples, wanted))) - (len(wanted) - 1)) / RATE_HZ


@pytest.fixture(scope="module")
def sweeps(tmp_path_factory):
    """20 seconds of sound; the keyframes of the picture, to which a seek goes, are 5 seconds apart."""
    folder = tmp_path_factory.mktemp("sweeps")
    how = {"seconds": 20, "fps": 10, "size": (64, 48), "sound": sweep(20), "gop": 50}
    return {name: make_clip(folder / name, codec=codec, **how) for name, codec in CONTAINERS.items()}


@pytest.mark.parametrize("rate_hz", [8000, 16000, 22050, 44100, 48000])
def test_a_tone_keeps_its_pitch_level_and_place_at_any_rate(clip, rate_hz):
    samples = read_audio(clip, rate_hz, 0, 2)
    assert samples.dtype == np.float32
    assert len(samples) == 2 * rate_hz
    middle = slice(rate_hz // 2, rate_hz * 3 // 2)
    np.testing.assert_allclose(samples[middle], tone(2, rate_hz=rate_hz)[middle], atol=0.03)


@pytest.mark.parametrize("name", CONTAINERS)
@pytest.mark.parametrize("start_s", [0.0, 0.5, 1.0, 2.0, 4.9, 7.31, 12.0, 17.77])
def test_a_span_is_the_sound_of_its_own_time(sweeps, name, start_s):
    samples = read_audio(sweeps[name], RATE_HZ, start_s, start_s + 1.5)
    assert len(samples) == 1.5 * RATE_HZ
    at = round(start_s * RATE_HZ)
    wanted = truth(20)[at : at + len(samples)]
    # Matroska counts milliseconds; 2 ms at 700 Hz are far more than the features can tell.
    assert abs(shift_s(samples, wanted) - PRIMING_S.get(name, 0)) < 0.002
    assert np.sqrt(np.mean(samples[1000:-1000] ** 2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov"])
def test_spans_join_without_a_seam(sweeps, name):
    whole = read_audio(sweeps[name], RATE_HZ, 0, 20)
    pieces = [read_audio(sweeps[name], RATE_HZ, start_s, start_s + 2.5) for start_s in np.arange(0, 20, 2.5)]
    np.testing.assert_allclose(np.concatenate(pieces), whole, atol=5e-4)


def test_what_is_asked_for_beyond_the_end_is_not_there(sweeps):
    length_s = len(read_audio(sweeps["a.mp4"], RATE_HZ, 0, 100)) / RATE_HZ
    assert length_s == pytest.approx(20, abs=0.05)
    assert len(read_audio(sweeps["a.mp4"], RATE_HZ, 19, 100)) / RATE_HZ == pytest.approx(length_s - 19, abs=1e-3)
    for start_s in (20.5, 21.5, 25, 1000):
        assert len(read_audio(sweeps["a.mp4"], RATE_HZ, start_s, start_s + 1)) == 0


def test_a_file_without_sound_gives_none(tmp_path):
    assert len(read_audio(make_clip(tmp_path / "a.mp4", sound=None, seconds=0.2), RATE_HZ, 0, 10)) == 0


def test_silence_is_zeros(tmp_path):
    samples = read_audio(make_clip(tmp_path / "a.mp4", sound="silence"), RATE_HZ, 0, 2)
    assert len(samples) == 2 * RATE_HZ
    assert not samples.any()


def test_sound_that_begins_late_is_preceded_by_silence(tmp_path):
    for name in ("a.mkv", "a.mp4"):
        samples = read_audio(make_clip(tmp_path / name, seconds=2, sound_from_s=1.0), RATE_HZ, 0, 3)
        assert np.abs(samples[: round(0.95 * RATE_HZ)]).max() < 0.01
        loud = samples[round(1.1 * RATE_HZ) : round(2.9 * RATE_HZ)]
        assert np.sqrt(np.mean(loud**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


def test_stereo_becomes_the_mean_of_its_channels(tmp_path):
    left, right = tone(2, 300), tone(2, 900)
    both = np.stack([left, right], axis=1)
    samples = read_audio(make_clip(tmp_path / "a.mkv", sound=both, sound_codec="pcm_s16le"), AUDIO_HZ, 0, 2)
    np.testing.assert_allclose(samples, (left + right) / 2, atol=1e-3)
    opposite = np.stack([left, -left], axis=1)
    samples = read_audio(make_clip(tmp_path / "b.mkv", sound=opposite, sound_codec="pcm_s16le"), AUDIO_HZ, 0, 2)
    assert np.abs(samples).max() < 1e-3


def test_uncompressed_sound_comes_back_sample_by_sample(tmp_path):
    sound = np.random.default_rng(1).uniform(-0.9, 0.9, 2 * AUDIO_HZ).astype(np.float32)
    samples = read_audio(make_clip(tmp_path / "a.mov", sound=sound, sound_codec="pcm_s16le"), AUDIO_HZ, 0, 5)
    np.testing.assert_allclose(samples, sound, atol=1 / 32768)


def test_resampling_is_that_of_scipy(tmp_path):
    from scipy.signal import resample_poly

    sound = sweep(4)
    path = make_clip(tmp_path / "a.mov", seconds=4, sound=sound, sound_codec="pcm_s16le")
    samples = read_audio(path, RATE_HZ, 0, 4)
    wanted = resample_poly(sound.astype(np.float64), 160, 441)
    np.testing.assert_allclose(samples[800:-800], wanted[800 : len(samples) - 800], atol=2e-3)


def test_a_sound_file_is_read_without_a_picture(tmp_path):
    assert len(read_audio(make_clip(tmp_path / "a.wav", codec=""), RATE_HZ, 0.5, 1.5)) == RATE_HZ


def test_sound_that_no_decoder_knows_is_told(tmp_path):
    path = make_clip(tmp_path / "a.mkv", seconds=1)
    path.write_bytes(path.read_bytes().replace(b"A_AAC", b"A_ZZZ"))
    assert probe(path).has_audio
    for start_s in (0, 5):
        with pytest.raises(DecodeError, match="the audio stream cannot be decoded"):
            read_audio(path, RATE_HZ, start_s, start_s + 1)


def test_sound_of_which_nothing_decodes_is_told(tmp_path):
    path = make_clip(tmp_path / "a.mp4", codec="", seconds=1)
    data = bytearray(path.read_bytes())
    begin = data.index(b"mdat") + 4
    end = data.index(b"moov")
    data[begin : end - 4] = b"\xff" * (end - 4 - begin)
    path.write_bytes(data)
    with pytest.raises(DecodeError, match="the audio stream cannot be decoded"):
        read_audio(path, RATE_HZ, 0, 1)


def test_a_cut_file_gives_the_sound_that_is_left(tmp_path):
    path = make_clip(tmp_path / "a.mp4", seconds=4, options={"movflags": "+faststart"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert 1 < len(read_audio(path, RATE_HZ, 0, 10)) / RATE_HZ < 3.5


@pytest.mark.parametrize("name", ["empty.mp4", "text.mp4", "gone.mp4"])
def test_what_is_no_media_file_is_told(tmp_path, name):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no sound here" * 100)
    with pytest.raises(DecodeError, match=name):
        read_audio(tmp_path / name, RATE_HZ, 0, 1)


@pytest.mark.parametrize("seed", range(6))
def test_random_damage_gives_sound_or_an_error_in_words(tmp_path, sweeps, seed):
    rng = np.random.default_rng(seed)
    for name, source in sweeps.items():
        data = bytearray(source.read_bytes())
        for _ in range(40):
            data[rng.integers(len(data))] = rng.integers(256)
        (tmp_path / name).write_bytes(data)
        for start_s in (0, 7):
            try:
                samples = read_audio(tmp_path / name, RATE_HZ, start_s, start_s + 3)
            except DecodeError:
                continue
            assert len(samples) <= 3 * RATE_HZ
            assert np.isfinite(samples).all()


def test_real_sound_is_that_of_libsndfile(media):
    import soundfile
    from scipy.signal import resample_poly

    path = media / "audio" / "jfk.flac"
    channels, rate_hz = soundfile.read(path)
    wanted = channels.mean(axis=1)
    np.testing.assert_allclose(read_audio(path, rate_hz, 0, 20), wanted, atol=1e-6)
    resampled = resample_poly(wanted, 160, 441)
    np.testing.assert_allclose(read_audio(path, 16000, 3, 5), resampled[48000:80000], atol=5e-3)
