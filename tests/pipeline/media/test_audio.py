import numpy as np
import pytest

from pipeline.errors import DecodeError
from pipeline.media import audio
from pipeline.media.audio import read_audio, read_sound
from pipeline.media.video import probe
from tests.clips import AUDIO_HZ, make_clip, tone
from tests.sounds import join, write_sound, write_streams

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


def level(samples):
    return float(np.sqrt(np.mean(samples**2)))


def strongest_hz(samples):
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 8 * len(samples)))
    return int(np.argmax(spectrum)) * RATE_HZ / (8 * len(samples))


@pytest.mark.parametrize(
    ("codec", "first", "second"),
    [
        ("mp2", ("mono", 48000), ("stereo", 48000)),
        ("mp2", ("stereo", 32000), ("mono", 44100)),
        ("aac", ("stereo", 44100), ("stereo", 48000)),
        ("aac", ("mono", 22050), ("5.1", 48000)),
        ("ac3", ("5.1", 48000), ("stereo", 48000)),
        ("ac3", ("stereo", 48000), ("mono", 32000)),
    ],
)
@pytest.mark.parametrize("resampler", ["soxr", "kaiser16"])
def test_sound_that_changes_its_rate_or_layout_keeps_pitch_length_and_level(tmp_path, codec, first, second, resampler):
    parts = []
    for (layout, rate_hz), hz, offset_s in ((first, 440, 0), (second, 880, 4)):
        channels = np.zeros((6 if layout == "5.1" else 2 if layout == "stereo" else 1, 4 * rate_hz), np.float32)
        channels[2 if layout == "5.1" else slice(None)] = tone(4, hz, rate_hz)
        how = {"rate_hz": rate_hz, "layout": layout, "codec": codec, "offset_s": offset_s}
        parts.append(write_sound(tmp_path / f"{offset_s}.ts", channels, **how))
    path = join(tmp_path / "joined.ts", parts)
    samples = read_audio(path, RATE_HZ, 0, 60, resampler)
    assert len(samples) / RATE_HZ == pytest.approx(8, abs=0.1)
    for hz, span in ((440, slice(RATE_HZ // 4, 15 * RATE_HZ // 4)), (880, slice(17 * RATE_HZ // 4, 31 * RATE_HZ // 4))):
        assert strongest_hz(samples[span]) == pytest.approx(hz, abs=3)
        assert level(samples[span]) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)
    assert np.abs(samples).max() < 0.9
    later = read_audio(path, RATE_HZ, 5, 7, resampler)
    np.testing.assert_allclose(later, samples[5 * RATE_HZ : 7 * RATE_HZ], atol=2e-3)


@pytest.mark.parametrize(("layout", "centre"), [("5.1", 2), ("5.1(side)", 2), ("7.1", 2), ("3.0", 2), ("4.0", 2)])
@pytest.mark.parametrize("codec", ["flac", "pcm_s16le"])
def test_speech_in_the_centre_is_as_loud_as_in_a_mono_file(tmp_path, layout, centre, codec):
    import av

    channels = np.zeros((av.AudioLayout(layout).nb_channels, 48000), np.float32)
    channels[centre] = tone(1, rate_hz=48000)
    how = {"codec": codec, "sample_format": "s16"}
    surround = write_sound(
        tmp_path / "a.mov" if codec != "flac" else tmp_path / "a.mkv", channels, layout=layout, **how
    )
    mono = write_sound(tmp_path / "b.mkv", channels[centre : centre + 1], **how)
    np.testing.assert_allclose(read_audio(surround, RATE_HZ, 0, 1), read_audio(mono, RATE_HZ, 0, 1), atol=1e-3)


@pytest.mark.parametrize(
    ("codec", "sample_format", "atol"),
    [
        ("pcm_u8", "u8", 1 / 120),
        ("pcm_s16le", "s16", 1e-4),
        ("pcm_s24le", "s32", 1e-6),
        ("pcm_s32le", "s32", 1e-6),
        ("pcm_f32le", "flt", 1e-7),
        ("pcm_f64le", "dbl", 1e-7),
        ("flac", "s32", 1e-6),
        ("alac", "s16p", 1e-4),
    ],
)
@pytest.mark.parametrize("rate_hz", [8000, 22050, 96000])
def test_every_sample_format_and_rate_gives_the_samples_that_were_written(
    tmp_path, codec, sample_format, atol, rate_hz
):
    sound = np.random.default_rng(1).uniform(-0.9, 0.9, (1, rate_hz // 2)).astype(np.float32)
    path = write_sound(tmp_path / "a.mkv", sound, rate_hz=rate_hz, codec=codec, sample_format=sample_format)
    np.testing.assert_allclose(read_audio(path, rate_hz, 0, 5), sound[0], atol=atol)


@pytest.mark.parametrize(
    ("name", "codec", "rate_hz"),
    [
        ("a.mp4", "aac", 44100),
        ("a.mp4", "libmp3lame", 44100),
        ("a.mkv", "aac", 48000),
        ("a.mkv", "libopus", 48000),
        ("a.ts", "aac", 44100),
        ("a.ts", "mp2", 48000),
        ("a.flv", "aac", 44100),
        ("a.avi", "pcm_s16le", 22050),
        ("a.mov", "pcm_s16le", 8000),
    ],
)
@pytest.mark.parametrize("offset_s", [0, 100])
def test_a_clap_is_heard_when_it_is_seen(tmp_path, name, codec, rate_hz, offset_s):
    sound = np.zeros((1, 6 * rate_hz), np.float32)
    sound[0, 3 * rate_hz :] = tone(3, 1000, rate_hz)
    if name == "a.avi" and offset_s:
        pytest.skip("AVI has no timestamps: it begins at 0")
    path = write_sound(tmp_path / name, sound, rate_hz=rate_hz, codec=codec, picture_s=6, offset_s=offset_s)
    seen_s = probe(path).frame_times_s[75]
    for start_s in (0.0, 2.0):
        heard_s = start_s + np.flatnonzero(np.abs(read_audio(path, RATE_HZ, start_s, 8)) > 0.15)[0] / RATE_HZ
        assert heard_s == pytest.approx(seen_s, abs=0.01)


def test_of_two_streams_the_default_one_is_heard(tmp_path):
    tones = [tone(1, hz, 48000) for hz in (300, 600, 900)]
    for default in range(3):
        path = write_streams(tmp_path / f"{default}.mkv", tones, default)
        assert strongest_hz(read_audio(path, RATE_HZ, 0, 1)) == pytest.approx(300 * (default + 1), abs=3)


def test_a_stream_with_nothing_in_it_is_told_and_no_failure(tmp_path):
    path = write_sound(tmp_path / "a.mkv", np.zeros((1, 0), np.float32), codec="aac", picture_s=2)
    assert probe(path).has_audio
    sound = read_sound(path, RATE_HZ, 0, 10)
    assert (len(sound.samples), sound.note) == (0, "the audio stream is empty")


def test_samples_that_are_no_numbers_are_silence_and_told(tmp_path):
    sound = tone(3, rate_hz=48000)[None].copy()
    sound[0, 48000:48100] = np.nan
    sound[0, 48100:48110] = np.inf
    sound[0, 96000:96003] = 1e20
    path = write_sound(tmp_path / "a.mkv", sound, codec="pcm_f32le")
    found = read_sound(path, 48000, 0, 5)
    assert not found.samples[48000:48110].any()
    assert found.samples[96000:96003].tolist() == [16.0] * 3
    good = np.abs(sound[0]) <= 1
    np.testing.assert_array_equal(found.samples[good], sound[0][good])
    assert found.note == (
        "samples of the sound that are no numbers, silence now: 110; samples of the sound that are cut off at 16: 3"
    )


def test_packets_that_do_not_decode_are_counted(tmp_path):
    import av

    path = write_sound(tmp_path / "a.mkv", tone(4, rate_hz=48000)[None], codec="flac", sample_format="s16")
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size]
        middle = [(packet.pts / 1000, bytes(packet)) for packet in packets][10:20]
    data = path.read_bytes()
    for _, content in middle:
        data = data.replace(content[:64], b"\0" * 64)
    path.write_bytes(data)
    sound = read_sound(path, RATE_HZ, 0, 10)
    assert sound.note == "packets of the sound that do not decode: 10"
    begin, end = (round(time_s * RATE_HZ) for time_s in (middle[0][0] + 0.01, middle[-1][0] - 0.01))
    assert np.abs(sound.samples[begin:end]).max() < 1e-3
    assert level(sound.samples[end + RATE_HZ // 2 :]) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)
    assert read_sound(path, RATE_HZ, 3, 4).note == ""


def test_a_file_that_must_not_be_sought_gives_the_same(sweeps):
    for path in sweeps.values():
        np.testing.assert_allclose(
            read_sound(path, RATE_HZ, 12, 14, seek=False).samples, read_audio(path, RATE_HZ, 12, 14), atol=1e-3
        )


def test_a_file_in_which_a_seek_fails_or_lands_late_is_read_from_its_start(sweeps, monkeypatch):
    wanted = read_audio(sweeps["a.mp4"], RATE_HZ, 12, 14)
    sought = audio._sought
    for wrong in (lambda *args: False, lambda container, time_s: sought(container, time_s + 6)):
        monkeypatch.setattr(audio, "_sought", wrong)
        np.testing.assert_allclose(read_audio(sweeps["a.mp4"], RATE_HZ, 12, 14), wanted, atol=1e-6)


def test_a_long_silence_is_read_once(tmp_path, monkeypatch):
    path = write_sound(
        tmp_path / "a.mkv", tone(4, rate_hz=8000)[None], rate_hz=8000, pieces_s=[(0, 0, 2), (600, 2, 4)], picture_s=900
    )
    found = {start_s: read_audio(path, 8000, start_s, start_s + 30) for start_s in (30, 870)}
    monkeypatch.setattr(audio, "_read_span", None)
    for start_s in (60, 300, 560):
        assert read_audio(path, 8000, start_s, start_s + 30).tolist() == [0] * 240000 == found[30].tolist()
    assert len(read_audio(path, 8000, 871, 900)) == len(found[870]) == 0
    monkeypatch.undo()
    assert read_audio(path, 8000, 590, 620)[-18 * 8000 - 8000 :].any()


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
