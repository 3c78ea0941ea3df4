"""What must not be shown: values of headers, user and password of URLs, values in their queries, keys in the place of paths."""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

from spanwire._settings import SETTINGS

__all__ = ["MASK", "Mask", "shown"]

MASK = "***"

# What is shorter would make holes everywhere; where it stands is known, so it is masked there.
_LEAST = 4

_SECRETS = {name for setting in SETTINGS if setting.is_secret for name in setting.variables}
_USERINFO = re.compile(r"(?<=://)[^/?#\s]*@")
# Of a proxy, which needs no scheme, and of an endpoint that lacks it.
_BARE_USERINFO = re.compile(r"^[^/?#\s]*@")
_QUERY_VALUE = re.compile(r"([?&][^=&#\s]*=)[^&#\s]+")
# Nothing that we say: no word, no name of a host, no path, no time.
_KEY = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[^\s./:,]{12,}")
# A PEM's text where the path of its file is wanted, or that in base64.
_PEM = re.compile(r"[\r\n]|-----BEGIN|LS0tLS1CRUdJTi")
_TELLING_KEY = re.compile(r"token|secret|passw|credential|auth|api.?key|private.?key", re.IGNORECASE)


def shown(name: str, value: str) -> str:
    """The value of a variable as it may be shown."""
    if _PEM.search(value):
        return MASK
    if name in _SECRETS:
        return ",".join(_without_value(item) for item in value.split(",") if item.strip())
    if name == "OTEL_RESOURCE_ATTRIBUTES":
        return ",".join(_without_value(item) if _is_telling(item) else item for item in value.split(","))
    if "://" not in value and name.lower().endswith(("_proxy", "_endpoint")):
        return _BARE_USERINFO.sub(f"{MASK}@", value)
    return url(value)


def url(text: str) -> str:
    """A URL, or a text with URLs, without what is secret in them."""
    return _QUERY_VALUE.sub(rf"\1{MASK}", _USERINFO.sub(f"{MASK}@", text))


def _without_value(item: str) -> str:
    name, equals, _ = item.strip().partition("=")
    return f"{name}={MASK}" if equals else MASK  # without a name it may be all secret


def _is_telling(item: str) -> bool:
    return bool(_TELLING_KEY.search(item.partition("=")[0]))


class Mask:
    """Takes secrets out of texts: whatever it is out of those that come from outside, which may echo it.

    Words of our own keep their meaning also where a header has the same one for a value (``x-env=prod``): out of them it takes only
    what looks like a key, the last line of defence, after each value was masked where it stands.

    :param environment: variables.
    :param urls: other URLs, as given.
    """

    def __init__(self, environment: Mapping[str, str], urls: Iterable[str] = ()) -> None:
        found: set[str] = set()
        keys: set[str] = set()
        for name, value in environment.items():
            if name in _SECRETS or name.endswith("_HEADERS"):
                found.update(_in_headers(value))
            elif name == "OTEL_RESOURCE_ATTRIBUTES":
                found.update(s for item in value.split(",") if _is_telling(item) for s in _in_headers(item))
            elif name.startswith(("OTEL_", "SPANWIRE_")) or name.lower().endswith("_proxy"):
                found.update(_in_url(value))
            if name not in _SECRETS and _PEM.search(value):
                keys.update(_in_pem(value))
        for one in urls:
            found.update(_in_url(one))
        self._secrets = _longest_first(found | keys)
        self._keys = _longest_first(keys | {one for one in found if _KEY.fullmatch(one)})

    def hide(self, text: str) -> str:
        """What somebody else says, without secrets."""
        return _without(text, self._secrets)

    def hide_keys(self, text: str) -> str:
        """What we say, likewise."""
        return _without(text, self._keys)

    def hide_in(self, thing: Any) -> Any:
        """Likewise in what JSON can hold; its keys are names, which are no secrets."""
        if isinstance(thing, str):
            return self.hide_keys(thing)
        if isinstance(thing, Mapping):
            return {key: self.hide_in(value) for key, value in thing.items()}
        if isinstance(thing, (list, tuple)):
            return [self.hide_in(one) for one in thing]
        return thing


def _longest_first(secrets: set[str]) -> list[str]:
    # One may be a part of another.
    return sorted((one for one in secrets if len(one) >= _LEAST), key=lambda one: (-len(one), one))


def _without(text: str, secrets: list[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


def _in_headers(text: str) -> Iterator[str]:
    for item in text.split(","):
        name, equals, value = item.partition("=")
        yield from _forms((value if equals else name).strip())


def _in_pem(text: str) -> Iterator[str]:
    """All of it, and each line, whether it ends or is said to end."""
    yield from _forms(text)
    yield from (line.strip() for line in re.split(r"[\r\n]+|\\n", text))


def _in_url(text: str) -> Iterator[str]:
    text = text.strip()
    authority = re.split(r"[/?#]", text.partition("://")[2] or text, maxsplit=1)[0]
    userinfo, at, _ = authority.rpartition("@")
    if at:
        yield from _forms(userinfo)
        user, _, password = userinfo.partition(":")
        yield from _forms(password or user)
        token = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
        yield b2a_base64(token, newline=False).decode("ascii")
    for pair in text.partition("?")[2].split("&"):
        yield from _forms(pair.partition("=")[2] or pair)


def _forms(value: str) -> Iterator[str]:
    """As it stands and decoded, and of "Bearer <token>" the token."""
    for form in {value, unquote(value).strip()}:
        yield form
        yield from form.replace("%20", " ").split()[1:]
        yield repr(form)[1:-1]
