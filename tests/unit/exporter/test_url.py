"""Credentials and other alphabets of an endpoint."""

import base64

import pytest

from spanwire.exporter._common.url import split_credentials
from spanwire.exporter.http import OTLPSpanExporter


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "url, expected, credentials",
    [
        ("http://h:1/p", "http://h:1/p", None),
        (" http://h ", "http://h", None),
        ("http://me:pass@h:1/p", "http://h:1/p", basic("me:pass")),
        ("http://me:p%40ss%3A@h/p?q=a@b", "http://h/p?q=a@b", basic("me:p@ss:")),
        ("https://me@h", "https://h", basic("me:")),
        ("http://h/p?mail=a@b", "http://h/p?mail=a@b", None),
        ("http://h?mail=a@b", "http://h?mail=a@b", None),
        ("http://bücher.example:1/ü x", "http://xn--bcher-kva.example:1/%C3%BC%20x", None),
        ("http://[::1]:4318/v1/traces", "http://[::1]:4318/v1/traces", None),
        ("no url", "no url", None),
    ],
)
def test_credentials_become_a_header_and_the_rest_ascii(url: str, expected: str, credentials: str | None) -> None:
    assert split_credentials(url) == (expected, credentials)


def test_neither_repr_nor_destination_shows_credentials_or_query() -> None:
    exporter = OTLPSpanExporter(endpoint="http://me:hunter2@h:1/p?token=hunter2", headers={"k": "hunter2"})
    assert exporter._client.destination == "http://h:1/p"
    assert "hunter2" not in repr(exporter) + repr(exporter._client)
