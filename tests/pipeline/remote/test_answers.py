import obstore
import pytest
from obstore.exceptions import GenericError, PermissionDeniedError

from pipeline.remote.answers import explain, judge

GET = "Generic S3 error: Error performing GET http://127.0.0.1:1/bucket/x in 2ms"


def status(number, code=""):
    return f"{GET} - Server returned non-2xx status code: {number} X: <Error><Code>{code}</Code></Error>"


@pytest.mark.parametrize(
    "error, is_passing, words",
    [
        (GenericError(f"{GET}, after 2 retries - HTTP error: error sending request"), True, "does not answer"),
        (GenericError("Generic S3 error: error decoding response body"), True, "does not answer"),
        (GenericError(status(503, "SlowDown")), True, r"status 503 \(SlowDown\)"),
        (GenericError(status(429)), True, "status 429"),
        (GenericError(status(403, "SignatureDoesNotMatch")), False, r"denied \(SignatureDoesNotMatch\)"),
        (PermissionDeniedError(status(403, "AccessDenied")), False, "check AWS_ACCESS_KEY_ID"),
        (FileNotFoundError(status(404, "NoSuchBucket")), False, "bucket is not there; create it"),
        (GenericError("Generic S3 error: Missing AccessKeyId"), False, "no credentials were found; set AWS_"),
        (
            GenericError("PUT http://169.254.169.254/latest/api/token status code: 403 Forbidden"),
            False,
            "no credentials",
        ),
        (GenericError(status(416, "InvalidRange")), False, "refuses: status 416"),
        (ValueError('Could not parse path: Path "a//b" contained empty path segment'), False, "not a name"),
        (obstore.exceptions.NotSupportedError("Operation not supported"), False, "NotSupportedError"),
    ],
)
def test_an_answer_says_what_to_do_and_whether_it_may_pass(error, is_passing, words):
    import re

    answer = explain(error, "s3://bucket/x")
    assert answer.is_passing is is_passing
    assert re.search(words, answer.why)


def test_each_provider_has_its_own_names_of_credentials():
    denied = GenericError(status(403))
    assert "GOOGLE_" in explain(denied, "gs://bucket/x").why
    assert "AZURE_" in explain(denied, "az://container/x").why
    assert explain(denied, "https://host/x").why == "access is denied"


def test_a_signed_address_in_an_error_is_not_repeated():
    signed = "Error performing GET https://me.blob.core.windows.net/c/x?sv=2024&sig=hidden in 2ms - "
    for rest in ("HTTP error: timeout", "Server returned non-2xx status code: 403 X", "what nobody has foreseen"):
        assert "hidden" not in explain(GenericError(signed + rest), "az://c/x").why


def test_what_callers_tell_apart_and_what_is_of_this_machine_is_raised_as_it_is():
    with pytest.raises(FileNotFoundError, match="s3://bucket/x/a: not there"):
        judge(FileNotFoundError(status(404, "NoSuchKey")), "s3://bucket/x", "a")
    for error in (obstore.exceptions.AlreadyExistsError("x"), obstore.exceptions.PreconditionError("x")):
        with pytest.raises(FileExistsError, match="another one is there"):
            judge(error, "s3://bucket/x", "a")
    with pytest.raises(OSError, match="No space left"):
        judge(OSError(28, "No space left on device"), "s3://bucket/x", "a")
    with pytest.raises(KeyError):
        judge(KeyError("a bug"), "s3://bucket/x", "a")
    assert not judge(FileNotFoundError(status(404, "NoSuchBucket")), "s3://bucket/x", "a").is_passing
