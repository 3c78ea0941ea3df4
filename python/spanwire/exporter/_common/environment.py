"""OTEL_EXPORTER_OTLP_* as the official exporters read them: an empty variable counts as unset."""

import math
import os

from spanwire._settings import _defaults
from spanwire._telemetry import log
from spanwire.exporter._common.protocols import DEFAULT_PROTOCOL

__all__ = ["COMPRESSIONS", "DEFAULT_COMPRESSION", "DEFAULT_TIMEOUT", "Environment", "parse_headers"]

DEFAULT_TIMEOUT = _defaults.seconds("exporter", "timeout")
DEFAULT_COMPRESSION = _defaults.text("exporter", "compression")
COMPRESSIONS = ("none", "gzip", "deflate", "zstd")

# What RFC 9110 and W3C Baggage allow; the same characters as opentelemetry.util.re.
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_NAME = frozenset(_LETTERS + "!#$%&'*+-.^_`|~")
_VALUE = frozenset(map(chr, range(0x21, 0x7F))) - frozenset('",;\\')
_SPACED_VALUE = _VALUE | {" "}


class Environment:
    """OTEL_EXPORTER_OTLP_* of one signal."""

    def __init__(self, signal: str) -> None:
        self._signal = signal
        self.used: list[str] = []
        """Variables that gave something which is checked later."""

    def find(self, name: str) -> tuple[str, str]:
        """The variable that has it, and what it says; the last one's name and nothing if none does."""
        general = f"OTEL_EXPORTER_OTLP_{name}"
        own = f"OTEL_EXPORTER_OTLP_{self._signal.upper()}_{name}"
        return next(((one, text) for one in (own, general) if (text := os.environ.get(one))), (general, ""))

    def get(self, name: str) -> str | None:
        variable, text = self.find(name)
        if text:
            self.used.append(variable)
        return text or None

    def endpoint(self, default: str, path: str = "") -> str:
        """The signal's own as it stands; the general one, or the default, with the path behind it."""
        variable, text = self.find("ENDPOINT")
        if text:
            self.used.append(variable)
        if not path or variable != "OTEL_EXPORTER_OTLP_ENDPOINT":
            return text or default
        return f"{(text or default).removesuffix('/')}/{path}"

    def protocol(self) -> str:
        """That of the exporter named ``otlp``; it may be none of those that there are."""
        return self.find("PROTOCOL")[1].strip() or DEFAULT_PROTOCOL

    def headers(self) -> dict[str, str]:
        variable, text = self.find("HEADERS")
        if not text:
            return {}
        self.used.append(variable)
        return parse_headers(text, variable)

    def timeout(self) -> float:
        variable, text = self.find("TIMEOUT")
        if not text:
            return DEFAULT_TIMEOUT
        try:
            seconds = float(text)
        except ValueError:
            seconds = math.nan
        if seconds > 0:
            return seconds
        log.warn(
            "options.timeout",
            "Invalid timeout %r in %s: a number of seconds above 0 is needed; using %s",
            text,
            variable,
            DEFAULT_TIMEOUT,
        )
        return DEFAULT_TIMEOUT

    def compression(self) -> str:
        variable, text = self.find("COMPRESSION")
        text = (text or DEFAULT_COMPRESSION).lower().strip()
        if text in COMPRESSIONS:
            return text
        log.warn(
            "options.compression",
            "Unsupported compression %r in %s, using none; there are gzip, deflate and zstd",
            text,
            variable,
        )
        return DEFAULT_COMPRESSION


def parse_headers(text: str, variable: str = "OTEL_EXPORTER_OTLP_HEADERS") -> dict[str, str]:
    """Headers from ``OTEL_EXPORTER_OTLP_HEADERS``: W3C Baggage without properties, values percent-decoded.

    A value with spaces is taken as it stands, as by the official exporter. What is no header is left out with a log line
    that does not show its value.
    """
    headers = {}
    for number, item in enumerate(text.split(","), 1):
        if not item.strip(" \t"):
            continue
        name, equals, value = item.strip().partition("=")
        name, value = name.strip(" \t"), value.strip(" \t")
        if not equals or not name or not _NAME.issuperset(name) or not _SPACED_VALUE.issuperset(value):
            log.warn(
                "options.headers",
                "Header %d in %s is ignored: it must be name=value, percent-encoded where it has commas, semicolons, "
                "quotes, backslashes or non-ASCII characters",
                number,
                variable,
            )
            continue
        if _VALUE.issuperset(value):
            from urllib.parse import unquote

            name, value = unquote(name).strip(), unquote(value).strip()
        headers[name.lower()] = value
    return headers
