"""What the answers of object storage mean: whether to ask again, and the one line for people.

Nothing of an error's own text is shown: it holds whole addresses, and those of some providers are signed with secrets.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w{1,60})</Code>")

_CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL",
    "gs": "GOOGLE_SERVICE_ACCOUNT or GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound", "InvalidBucketName")
_NO_CREDENTIALS = ("Missing AccessKeyId", "Missing SecretAccessKey", "169.254.169.254", "Account must be specified")
"""The address is of the service that gives credentials to machines of a cloud; it is asked where there are none."""
_NO_ANSWER = ("HTTP error", "error decoding response body", "request or response body error", "operation timed out")


@dataclass(frozen=True)
class Answer:
    """What a failed request means."""

    why: str
    """What is wrong, and what to do about it, without a full stop."""
    is_passing: bool
    """Whether the same request may succeed a little later: nobody answered, or the server has trouble of its own."""


def judge(error: Exception, address: str, key: str) -> Answer:
    """The meaning of an error of a request for an object.

    Raises FileNotFoundError or FileExistsError for what callers tell apart, and an error of this machine as it is.
    """
    name, where = type(error).__name__, f"{address}/{key}"
    if isinstance(error, FileNotFoundError) and "NoSuchBucket" not in str(error):
        raise FileNotFoundError(f"{where}: not there") from None
    if name in ("AlreadyExistsError", "PreconditionError"):
        raise FileExistsError(f"{where}: another one is there") from None
    is_foreign = type(error).__module__.startswith("obstore") or isinstance(error, (FileNotFoundError, ValueError))
    if not is_foreign:
        raise error
    return explain(error, address)


def explain(error: Exception, address: str) -> Answer:
    """The meaning of an exception that obstore raised for the address `scheme://...`."""
    text, names = str(error), _CREDENTIALS.get(urlsplit(address).scheme, "")
    if isinstance(error, ValueError):
        return Answer("not a name that object storage can hold: it has an empty part, or one of dots alone", False)
    if any(sign in text for sign in _NO_BUCKET):
        return Answer("the bucket is not there; create it, or mend the address", False)
    if names and any(sign in text for sign in _NO_CREDENTIALS):
        return Answer(f"no credentials were found; set {names} in the environment", False)
    if found := _STATUS.search(text):
        return _of_status(int(found[1]), text, names)
    if any(sign in text for sign in _NO_ANSWER):
        return Answer("the server does not answer; see whether it runs and can be reached, and run again", True)
    return Answer(f"object storage failed with {type(error).__name__}", False)


def _of_status(status: int, text: str, names: str) -> Answer:
    code = f" ({found[1]})" if (found := _CODE.search(text)) else ""
    if status in (401, 403):
        advice = f"; check {names} in the environment, and what they may do in this bucket" if names else ""
        return Answer(f"access is denied{code}{advice}", False)
    if status == 429 or status >= 500:
        return Answer(f"the server has trouble: status {status}{code}; see to it, and run again", True)
    return Answer(f"the server refuses: status {status}{code}", False)
