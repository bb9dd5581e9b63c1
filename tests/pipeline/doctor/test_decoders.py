from pipeline.doctor.decoders import decoders
from pipeline.doctor.probe_codecs import NOT_TRIED

ANSWER = {"codecs": {"h264": "", "av1": "", "aac": ""}, "ffmpeg": "8.1", "libraries": {}, "decord": ""}


def test_codecs_that_work_are_listed():
    (finding,) = decoders(ANSWER)
    assert (finding.state, finding.found) == ("ok", "h264, av1, aac: made and decoded with FFmpeg 8.1 inside PyAV")


def test_those_that_lack_are_a_fault_and_those_that_could_not_be_tried_a_note():
    told = ANSWER | {"codecs": {"h264": "", "hevc": "no decoder", "av1": NOT_TRIED}, "decord": "crashed"}
    found = {finding.state: finding for finding in decoders(told) if "decord" not in finding.found}
    assert found["fault"].found == "cannot be decoded: hevc (no decoder)"
    assert found["note"].found.startswith("av1 not tried")
    assert found["ok"].found.startswith("h264: ")
    assert any("decord" in finding.found and finding.state == "note" for finding in decoders(told))


def test_a_probe_that_crashed_is_a_fault():
    (finding,) = decoders({"error": "ended with status -11"})
    assert finding.state == "fault"
    assert "ended with status -11" in finding.found
    assert "pip install" in finding.advice
