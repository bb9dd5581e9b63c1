import pytest

from pipeline.remote import client

NAMES = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT", "AZURE_STORAGE_ACCOUNT_NAME")


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


def test_a_storage_is_an_address_and_the_endpoint_that_the_environment_names(monkeypatch):
    assert client.storage_of("s3://bucket/x") == ("s3://bucket/x",)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert client.storage_of("s3://bucket/x") == ("s3://bucket/x", "AWS_ENDPOINT_URL=http://127.0.0.1:1")
    assert client.storage_of("gs://bucket/x") == ("gs://bucket/x",)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "me")
    assert client.storage_of("az://container") == ("az://container", "AZURE_STORAGE_ACCOUNT_NAME=me")


def test_no_secret_is_part_of_what_names_a_storage(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_STORAGE_ACCOUNT_KEY"):
        monkeypatch.setenv(name, "hidden")
    assert not any("hidden" in part for scheme in ("s3", "gs", "az") for part in client.storage_of(f"{scheme}://b/x"))


def test_a_client_is_opened_once_and_anew_where_the_environment_changes(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    first = client.client("s3://bucket/x")
    assert client.client("s3://bucket/x") is first
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:2")
    second = client.client("s3://bucket/x")
    assert second is not first
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    assert client.client("s3://bucket/x") is not second


@pytest.mark.parametrize("endpoint, is_plain", [("http://127.0.0.1:1", True), ("https://host", False)])
def test_plain_http_is_used_where_it_is_asked_for(monkeypatch, endpoint, is_plain):
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.delenv("AWS_ALLOW_HTTP", raising=False)
    assert client.client("s3://plain/x").client_options["allow_http"] == str(is_plain).lower()
