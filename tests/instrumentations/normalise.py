"""What of a span or a line of text differs from run to run, whoever made it; and what is different on purpose. Nothing else is.

Everything that is not compared literally is in the tables of this file.
"""

import re
from collections.abc import Mapping
from typing import Any

__all__ = [
    "BY_NAME",
    "DIFFERENT_LINES",
    "ID",
    "OFFICIAL_FLAGS",
    "OF_THE_SDK",
    "TEXTS",
    "TEXTS_OF_LOGS",
    "flags",
    "lines",
    "text",
    "value",
]

# Attributes whose value is another one in each run; that they are there, and of which type, is compared.
BY_NAME = {
    "client.port": "chosen by the system",
    "net.host.port": "likewise",
    "net.peer.port": "likewise",
    "net.sock.host.port": "likewise",
    "net.sock.peer.port": "likewise",
    "network.peer.port": "likewise",
    "server.port": "likewise",
    "http.request.header.sec_websocket_key": "random",
    "http.response.header.sec_websocket_accept": "made of the key",
    "http.response.header.date": "of this run",
    "process.pid": "likewise",
    "process.parent_pid": "likewise",
    "service.instance.id": "random",
    "thread.id": "of this run",
}

# Parts of any text, also of what a program prints, with what stands in their place.
TEXTS = (
    (re.compile(r"\b(127\.0\.0\.1|localhost)(:|%3A|', |\", |, )\d{2,5}\b"), r"\1\2<port>"),
    (re.compile(r"\bport=\d{2,5}\b"), "port=<port>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d([.,]\d+)?"), "<time>"),
    (re.compile(r"\b\d\d/[A-Z][a-z]{2}/\d{4}[ :]\d\d:\d\d:\d\d"), "<time>"),
    (re.compile(r"\b[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT"), "<time>"),
    (re.compile(r"\b\d+\.\d+ms\b"), "<duration>"),
    (re.compile(r"\[::1\]:\d+"), "[::1]:<port>"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\bgen\d+@"), "gen<pid>@"),  # Celery's name of a process
    (re.compile(r"\bForkPoolWorker-\d+"), "ForkPoolWorker-<number>"),  # whoever was free
    (re.compile(r"\b0x[0-9a-f]{6,16}\b"), "<address>"),
)

# Of a trace or of a span. Whose it is stands in its place; see ``_whose``.
ID = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{32}|[0-9a-f]{16})(?![0-9a-f])")

# On purpose (docs/compatibility.md): stack traces of errors that left a block lack the SDK's own frames, since ours has none. Likewise
# those that are logged when a context cannot be detached, which go through the API or through our code.
OF_THE_SDK = re.compile(
    r'  File "[^"]*/(?:opentelemetry/(?:(?:sdk/)?trace/__init__|util/_decorator|context/__init__|context/contextvars_context)\.py|contextlib\.py'
    r'|spanwire/trace/_decorators?\.py|spanwire/_facade/\w+\.pxi)"'
    r", line \d+, in .*\n(?:    .*\n)*"
)

# On purpose (likewise): what of the flags of spans and links the official exporter sends. It leaves out the lower byte, which are
# W3C's, and the trace state of links; native spans have both. tests/property/trace compares them with what the SDK knows.
OFFICIAL_FLAGS = 0xFFFFFF00

# On purpose (likewise): what is logged about a wrong use names the line that did it, since native code has none of its own.
TEXTS_OF_LOGS = (
    re.compile(r"(?<= \[opentelemetry\.attributes\] \[)[^]\n]*"),
    re.compile(r"(?<= \[opentelemetry\.sdk\.trace\] \[)[^]\n]*"),
)

# On purpose: the loader of opentelemetry-instrument tells which of two configurators it did not take.
DIFFERENT_LINES = re.compile(r"Configuration of (?:spanwire|configurator) not loaded")


def flags(found: int, *, native: bool) -> str:
    """A span's flags, as far as the official exporter sends them. W3C's must say that it is sampled; only native spans must have them."""
    w3c = found & ~OFFICIAL_FLAGS
    if w3c in {0x1, 0x3} or (w3c == 0 and not native):
        return f"{found & OFFICIAL_FLAGS:#x}"
    return f"{found & OFFICIAL_FLAGS:#x}, W3C's {w3c:#x}"


def text(found: str, ids: Mapping[str, str] = {}, unknown: dict[str, str] | None = None) -> str:
    """A text without what is of this run.

    :param ids: what stands in the place of an id.
    :param unknown: ids without such a name that were met before, and gets those that are met.
    """
    for pattern, instead in TEXTS:
        found = pattern.sub(instead, found)
    seen = {} if unknown is None else unknown
    return ID.sub(lambda match: _whose(match[0], ids, seen), found)


def _whose(found: str, ids: Mapping[str, str], unknown: dict[str, str]) -> str:
    """Which of the run's an id is. One that is no random number was chosen by the program, and stays: zeros too."""
    if found in ids:
        return ids[found]
    if len(set(found)) <= 2:
        return found
    return unknown.setdefault(found, f"<unknown id {len(unknown) + 1}>")


def value(key: str, found: Any, ids: Mapping[str, str] = {}) -> Any:
    """An attribute's value, with the types of all its parts: 1, 1.0 and True are equal to Python."""
    if key in BY_NAME:
        return f"<{type(found).__name__}: {BY_NAME[key]}>"
    if isinstance(found, str):
        if key == "exception.stacktrace":
            found = OF_THE_SDK.sub("", found)
        return text(found, ids)
    if isinstance(found, (list, tuple)):
        return [value("", one, ids) for one in found]
    if isinstance(found, dict):
        return {"map": {name: value("", one, ids) for name, one in found.items()}}
    return {type(found).__name__: repr(found)}


def lines(found: str, ids: Mapping[str, str] = {}, *, ordered: bool = False) -> list[str]:
    """What a program printed or logged, line by line; stack traces without the SDK's own frames.

    Ids that nobody knows are numbered as they come: in the whole text if its lines have an order, else in each line.
    """
    for pattern in TEXTS_OF_LOGS:
        found = pattern.sub("<line>", found)
    unknown: dict[str, str] | None = {} if ordered else None
    kept = [line for line in OF_THE_SDK.sub("", found).splitlines() if not DIFFERENT_LINES.search(line)]
    return [text(line, ids, unknown) for line in kept]
