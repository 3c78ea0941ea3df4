"""What stands in variables and URLs is parsed or refused whatever it is, and never said: random texts, near to what is right."""

import base64
import logging
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spanwire.exporter._common.options import parse_headers
from spanwire.exporter._common.url import split_credentials
from spanwire.exporter.http import OTLPSpanExporter

SECRET = "hunter2"

pieces = st.sampled_from(
    [
        "http://",
        "https://",
        "@",
        ":",
        "/",
        "?",
        "#",
        "%40",
        "[::1]",
        "h",
        "é",
        "h:1",
        SECRET,
        " ",
        "\n",
        "\x00",
        "\ud800",
    ]
)
url_text = st.one_of(st.text(max_size=40), st.lists(pieces, max_size=12).map("".join))
# What stands in the user's part of a URL by the rules: no sign that ends it.
user_text = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


def refusal(**keywords: Any) -> str:
    """Why such an exporter cannot be made; empty if it was made."""
    try:
        exporter = OTLPSpanExporter(**keywords)
    except ValueError as error:
        return str(error)
    assert exporter._client.destination.startswith(("http://", "https://"))
    exporter.shutdown()
    return ""


@given(url_text)
@example("hunter2/@")
@example("hunter2://@")
@example("http://me:hunter2/@h")
def test_any_text_is_an_endpoint_or_refused_without_what_may_be_a_password(text: str) -> None:
    said = refusal(endpoint=text or "http://h")
    scheme = text.partition("://")[0] if "://" in text else ""
    shown = text.rpartition("@")[2].split("?")[0].split("#")[0]
    assert SECRET in scheme + shown or SECRET not in said


@given(user_text, user_text)
def test_credentials_of_any_text_become_a_header_and_leave_the_url(user: str, password: str) -> None:
    url, header = split_credentials(f"http://{quote(user, safe='')}:{quote(password, safe='')}@h:1/p")
    assert url == "http://h:1/p"
    assert header is not None and header.startswith("Basic ")
    assert base64.b64decode(header.removeprefix("Basic ")) == f"{user}:{password}".encode()


@given(st.text(max_size=60))
def test_any_url_gives_text_without_credentials(text: str) -> None:
    url, _ = split_credentials(text)
    _, separator, rest = url.partition("://")
    authority = min((rest.split(mark)[0] for mark in "/?#"), key=len)
    assert not separator or "@" not in authority


@given(
    st.lists(
        st.sampled_from(["a", "B", "=", ",", "%0d%0a", "%00", "%", " ", "x-y: z", "%C3%A9", "\r\n"]), max_size=10
    ).map("".join)
)
def test_headers_of_any_text_are_taken_or_refused(text: str) -> None:
    logging.getLogger("spanwire").disabled = True
    try:
        said = refusal(endpoint="http://h", headers=parse_headers(text))
    finally:
        logging.getLogger("spanwire").disabled = False
    assert not said or said.startswith("header ")


@pytest.mark.parametrize("value", ["a%0d%0ax-other:b", "a%0ab", "a%00b", "a%7fb"])
def test_a_line_break_in_a_variable_cannot_make_another_header(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"x-key={value}")
    with pytest.raises(ValueError, match="control characters"):
        OTLPSpanExporter(endpoint="http://h")
