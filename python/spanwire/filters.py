"""Which spans go to a destination: several batch processors share the same spans, and each may send a part of them.

::

    from opentelemetry.trace import SpanKind
    from spanwire.filters import SpanFilter

    everything = BatchSpanProcessor(OTLPSpanExporter("http://collector:4318/v1/traces"))
    errors = BatchSpanProcessor(OTLPSpanExporter("https://errors.example/v1/traces"), span_filter=SpanFilter(failed=True))

Conditions are looked at by the worker, on the encoded spans, when a request is made: the application's threads pay nothing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from opentelemetry.trace import SpanKind

from spanwire import _native

__all__ = ["SpanFilter", "Value"]

Value = str | bool | int | float
"""What an attribute is compared with; in a text ``*`` stands for any characters."""

_INT64 = range(-(1 << 63), 1 << 63)


@dataclass(frozen=True)
class SpanFilter:
    """Lets a span through that meets every condition; what is not given is no condition.

    :param names: its name is one of these; ``*`` stands for any characters.
    :param scopes: the name of its instrumentation scope is, likewise.
    :param kinds: its kind is one of these.
    :param failed: its status is an error (True), or it is not (False).
    :param attributes: it has each of these keys, with this value or one of these values; ``None`` stands for any value. 1 and 1.0 are
        different values, as in OTLP. Of several attributes with the same key the last counts.
    :param min_duration: seconds that it took at least.
    :param is_root: it has no parent (True), or it has one, be it a remote one (False).
    :param is_inverted: the other way round: what meets every condition is left out, and everything else is sent.
    :raises ValueError: for a condition that is none; the text says what is.
    """

    names: Sequence[str] = ()
    scopes: Sequence[str] = ()
    kinds: Sequence[SpanKind] = ()
    failed: bool | None = None
    attributes: Mapping[str, "Value | Sequence[Value] | None"] = field(default_factory=dict)
    min_duration: float | None = None
    is_root: bool | None = None
    is_inverted: bool = False

    def __post_init__(self) -> None:
        native = _native.SpanFilter(
            names=_texts("names", self.names),
            scopes=_texts("scopes", self.scopes),
            kinds=[_kind(kind) for kind in self.kinds],
            failed=_truth("failed", self.failed),
            attributes=[(_key(key), _values(key, wanted)) for key, wanted in self.attributes.items()],
            min_nanos=None if self.min_duration is None else _nanoseconds(self.min_duration),
            is_root=_truth("is_root", self.is_root),
            is_inverted=bool(self.is_inverted),
        )
        object.__setattr__(self, "_native", native)


def _texts(name: str, given: Sequence[str]) -> list[str]:
    if isinstance(given, str) or not all(isinstance(one, str) for one in given):
        raise ValueError(f'{name} must be a list of str, such as ["GET *"], not {given!r}')
    return list(given)


def _kind(kind: SpanKind) -> int:
    if not isinstance(kind, SpanKind):
        raise ValueError(f"kinds must be a list of opentelemetry.trace.SpanKind, and {kind!r} is none")  # noqa: TRY004 - one kind for all
    return kind.value + 1  # as OTLP numbers them


def _truth(name: str, given: bool | None) -> bool | None:
    if given not in (None, True, False):
        raise ValueError(f"{name} must be True, False or None, not {given!r}")
    return None if given is None else bool(given)


def _key(key: str) -> str:
    if not isinstance(key, str):
        raise ValueError(f"attributes must be a dict by attribute keys, which are str, not {key!r}")  # noqa: TRY004 - one kind for all
    return key


def _values(key: str, wanted: "Value | Sequence[Value] | None") -> list[Value]:
    if wanted is None:
        return []
    several: Sequence[object] = [wanted]
    if isinstance(wanted, Sequence) and not isinstance(wanted, str):
        several = wanted
    values: list[Value] = []
    for one in several:
        if not isinstance(one, (str, bool, int, float)) or (isinstance(one, int) and one not in _INT64):
            raise ValueError(
                f"attributes[{key!r}] must be a str, bool, float or int of 64 bits, a list of them, or None for any, not {one!r}"
            )
        values.append(one)
    if not values:
        raise ValueError(f"attributes[{key!r}] is an empty list, which no span can meet; None stands for any value")
    return values


def _nanoseconds(seconds: float) -> int:
    if isinstance(seconds, (bool, str)) or not 0 <= seconds < math.inf:
        raise ValueError(f"min_duration must be seconds from 0 on, not {seconds!r}")
    return min(round(seconds * 1e9), (1 << 64) - 1)
