"""Reads what people want to know of an X.509 certificate; trusts nothing and checks nothing.

The standard library shows certificates that it has verified only, and the one in question is often not.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone

__all__ = ["Certificate", "read"]

# Object identifiers, as their bytes: of names, and of the extension with the subject's other names.
_NAMES = {b"\x55\x04\x03": "CN", b"\x55\x04\x0a": "O", b"\x55\x04\x0b": "OU", b"\x55\x04\x06": "C"}
_ALTERNATIVE_NAMES = b"\x55\x1d\x11"

_SEQUENCE, _OCTETS, _UTC, _GENERALIZED = 0x30, 0x04, 0x17, 0x18


@dataclass(frozen=True, slots=True)
class Certificate:
    """What it says of itself."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    """DNS names and addresses that it is for."""
    not_before: datetime
    not_after: datetime
    is_self_signed: bool
    """By its names: nothing is computed."""


def read(der: bytes) -> Certificate:
    """What the certificate says.

    :raises ValueError: if it is none.
    """
    try:
        return _read(der)
    except (IndexError, StopIteration, OverflowError, UnicodeDecodeError) as error:
        raise ValueError(f"no certificate: {type(error).__name__}") from error


def _read(der: bytes) -> Certificate:
    ((_, whole),) = list(_items(der))
    (tag, body), *_ = _items(whole)
    if tag != _SEQUENCE:
        raise ValueError("no certificate: it does not begin with its fields")
    fields = list(_items(body))
    if fields[0][0] == 0xA0:  # the version, which old ones do not have
        fields = fields[1:]
    _serial, _algorithm, (_, issuer), (_, validity), (_, subject), _key, *rest = fields
    begin, end = (_time(*item) for item in _items(validity))
    return Certificate(
        subject=_name(subject),
        issuer=_name(issuer),
        names=tuple(name for tag, value in rest if tag == 0xA3 for name in _alternative_names(value)),
        not_before=begin,
        not_after=end,
        is_self_signed=subject == issuer,
    )


def _items(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each value in a row."""
    at = 0
    while at < len(data):
        tag, length = data[at], data[at + 1]
        at += 2
        if length & 0x80:
            count = length & 0x7F
            if not 1 <= count <= 4:
                raise ValueError("no certificate: a length of no use")
            length = int.from_bytes(data[at : at + count], "big")
            at += count
        if at + length > len(data):
            raise ValueError("no certificate: it is cut")
        yield tag, data[at : at + length]
        at += length


def _name(data: bytes) -> str:
    parts = []
    for _, one in _items(data):
        for _, pair in _items(one):
            (_, kind), (tag, value) = _items(pair)
            if kind in _NAMES:
                text = value.decode("utf-16-be" if tag == 0x1E else "utf-8", "replace")
                parts.append(f"{_NAMES[kind]}={_printable(text)}")
    return ", ".join(parts)


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)


def _alternative_names(extensions: bytes) -> Iterator[str]:
    ((_, all_of_them),) = list(_items(extensions))
    for _, extension in _items(all_of_them):
        (_, kind), *_, (tag, value) = _items(extension)
        if kind != _ALTERNATIVE_NAMES or tag != _OCTETS:
            continue
        ((_, names),) = list(_items(value))
        for tag, name in _items(names):
            if tag == 0x82:
                yield _printable(name.decode("ascii", "replace"))
            elif tag == 0x87 and len(name) in {4, 16}:
                yield str(ipaddress.ip_address(name))


def _time(tag: int, value: bytes) -> datetime:
    if tag not in {_UTC, _GENERALIZED}:
        raise ValueError("no certificate: a time of an unknown kind")
    text = value.decode("ascii")
    if tag == _UTC:  # two digits of a year: 1950 to 2049
        text = ("19" if text[:2] >= "50" else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=timezone.utc)
