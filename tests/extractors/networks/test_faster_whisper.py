import inspect

from extractors.networks import faster_whisper


def test_large_models_have_other_files():
    assert faster_whisper.files_of("Systran/faster-whisper-large-v3")["vocabulary"] == "vocabulary.json"
    assert "preprocessor" in faster_whisper.files_of("mobiuslabsgmbh/faster-whisper-large-v3-turbo")
    assert faster_whisper.files_of("Systran/faster-whisper-base")["vocabulary"] == "vocabulary.txt"


def test_what_a_stand_in_and_a_network_return_has_the_same_names():
    from faster_whisper.transcribe import Segment, TranscriptionInfo, Word

    for ours, theirs in (
        (faster_whisper.Word, Word),
        (faster_whisper.Segment, Segment),
        (faster_whisper.StandInInfo, TranscriptionInfo),
    ):
        assert set(ours._fields) <= set(inspect.signature(theirs).parameters)
