"""Secrets are taken out of values and texts."""

from base64 import b64encode
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanwire.cli._doctor._masking import MASK, Mask, shown, url

# None is a part of what stands around it.
SECRETS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=6, max_size=30).map("q7!z".__add__)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=hunter2, authorization=Basic%20abc==", "x-key=***,authorization=***"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "hunter2", "***"),
        ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "a=b=c", "a=***"),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "https://bob:pw@host:1/v1?key=pw&x=&a=b#f",
            "https://***@host:1/v1?key=***&x=&a=***#f",
        ),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://b@b:p@host/x@y", "https://***@host/x@y"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "bob:pw@host:4318", "***@host:4318"),
        ("http_proxy", "bob:pw@proxy:3128", "***@proxy:3128"),
        ("HTTPS_PROXY", "http://bob:pw@proxy:3128", "http://***@proxy:3128"),
        ("OTEL_RESOURCE_ATTRIBUTES", "a=b,api_key=pw,service.name=x", "a=b,api_key=***,service.name=x"),
        ("OTEL_SERVICE_NAME", "shop", "shop"),
    ],
)
def test_what_stands_where_is_masked(name: str, value: str, expected: str) -> None:
    assert shown(name, value) == expected


@given(secret=SECRETS, words=st.lists(SECRETS, max_size=3))
def test_a_header_s_value_is_hidden_wherever_it_turns_up(secret: str, words: list[str]) -> None:
    encoded = quote(secret, safe="")
    mask = Mask({"OTEL_EXPORTER_OTLP_HEADERS": f"x-a=b,authorization=Bearer%20{encoded}"})
    text = f"{' '.join(words)} {secret} {encoded} 'Bearer {secret}' {secret!r}"
    assert secret not in mask.hide(text) and encoded not in mask.hide(text)


def test_what_looks_like_a_key_is_hidden_in_our_own_words_too() -> None:
    mask = Mask({"OTEL_EXPORTER_OTLP_HEADERS": "x-a=b,authorization=Bearer%20a1b2c3d4e5f6,x-env=production"})
    text = "a1b2c3d4e5f6 of production"
    assert mask.hide_in({"a": [text, 1, None, {"b": text}]}) == {
        "a": ["*** of production", 1, None, {"b": "*** of production"}]
    }
    assert mask.hide(text) == "*** of ***"


@given(user=SECRETS, password=SECRETS, token=SECRETS)
def test_user_password_and_query_of_a_url_are_hidden(user: str, password: str, token: str) -> None:
    endpoint = f"https://{quote(user, safe='')}:{quote(password, safe='')}@host/v1/traces?key={quote(token, safe='')}"
    for mask in (Mask({"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}), Mask({}, [endpoint])):
        hidden = mask.hide(f"{endpoint} {password} {token} Basic {b64encode(f'{user}:{password}'.encode()).decode()}")
        for secret in (password, token, quote(password, safe=""), quote(token, safe="")):
            assert secret not in hidden
        assert f"{user}:{password}" not in hidden
    assert url(endpoint) == f"https://{MASK}@host/v1/traces?key={MASK}"


def test_short_values_do_not_make_holes_in_every_text() -> None:
    assert Mask({"OTEL_EXPORTER_OTLP_HEADERS": "a=b,c=on"}).hide("on and on, b by b") == "on and on, b by b"
