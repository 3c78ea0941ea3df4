"""Where commands send to: what cannot work is refused, and no secret is shown by that."""

import pytest
import typer

from spanwire.cli._destination import parse_headers, traces_url


@pytest.mark.parametrize(
    "endpoint, shown",
    [
        ("h:4318", "'h:4318'"),
        ("u:hunter2@h:4318/x", "'h:4318/x'"),
        ("ftp://u:hunter2@h/x?key=hunter2", "'ftp://h/x'"),
        ("ftp://u:hun@hunter2@h?key=hunter2#f", "'ftp://h'"),
        ("http://u:hunter2@[::1", "'http://[::1'"),
        ("http://u:hunter2@h\u2100/", "'http://h\u2100/'"),
    ],
)
def test_an_endpoint_that_is_none_is_shown_without_its_secrets(endpoint: str, shown: str) -> None:
    with pytest.raises(typer.BadParameter) as caught:
        traces_url(endpoint)
    assert caught.value.message.startswith(f"{shown} is no ")
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize("header", ["authorization: Bearer hunter2", "hunter2", "=hunter2"])
def test_a_header_without_its_equals_sign_is_counted_and_not_shown(header: str) -> None:
    with pytest.raises(typer.BadParameter) as caught:
        parse_headers(["x-tenant=shop", header])
    assert caught.value.message.startswith("number 2 is no NAME=VALUE")
    assert "hunter2" not in caught.value.message


def test_headers_and_the_path_for_traces() -> None:
    assert parse_headers(["a = b=c", "d="]) == {"a": "b=c", "d": ""}
    assert traces_url("http://h:4318/") == "http://h:4318/v1/traces"
    assert traces_url("http://h/otlp?x=1") == "http://h/otlp?x=1"
