"""The same program on the SDK and on spanwire.trace, and what could be seen of it.

:func:`same` runs a scenario on each side and compares everything: what it returned or raised, what was logged and under which
logger, which spans came out. It gives back what was seen of ours, for what a test states in so many words.
"""

import logging
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from types import ModuleType
from typing import Any

from opentelemetry import trace as api
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, sampling
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from packaging.version import Version

import spanwire.trace
from spanwire._telemetry import log

# Behaviour to match is that of the newest SDK. With an older one, which differs from it itself, ours must still be what tests
# state in so many words, whoever is asked for samples and ids.
IS_NEWEST = Version(version("opentelemetry-sdk")) >= Version("1.45")

RESOURCE = Resource({"service.name": "conformance"})
OUR_LOGGER = "spanwire"


class Collect(SpanProcessor):
    """Keeps what has ended."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


class AskedSampler(sampling.Sampler):
    """Decides as another one, but is not the SDK's class: Python is asked for each span."""

    def __init__(self, inner: sampling.Sampler) -> None:
        self.inner = inner

    def should_sample(self, *args: Any, **kwargs: Any) -> sampling.SamplingResult:
        return self.inner.should_sample(*args, **kwargs)

    def get_description(self) -> str:
        return self.inner.get_description()


class AskedIds(RandomIdGenerator):
    """Random ids, but not of the SDK's class."""


@dataclass
class Side:
    """One implementation, as a scenario uses it."""

    name: str
    trace: ModuleType
    asked: bool = False  # sampler and ids in Python, where the scenario has none of its own
    collect: Collect = field(default_factory=Collect)

    def provider(self, *, collect: bool = True, **options: Any) -> sdk.TracerProvider:
        if self.asked:
            sampler = options.get("sampler") or sampling.DEFAULT_ON
            options["sampler"] = AskedSampler(sampler)
            options.setdefault("id_generator", AskedIds())
        options.setdefault("resource", RESOURCE)
        options.setdefault("shutdown_on_exit", False)
        provider: sdk.TracerProvider = self.trace.TracerProvider(**options)
        if collect:
            provider.add_span_processor(self.collect)
        return provider

    def tracer(self, **options: Any) -> Any:
        return self.provider(**options).get_tracer("scope", "1.0", "https://schema", {"scope.key": "value"})

    def span(self, **options: Any) -> Any:
        """One that has begun."""
        return self.tracer(**options).start_span("name")

    @property
    def spans(self) -> list[ReadableSpan]:
        return self.collect.spans


def sides() -> list[Side]:
    return [Side("sdk", sdk), Side("ours", spanwire.trace), Side("ours, asking Python", spanwire.trace, asked=True)]


@dataclass
class Seen:
    """What was observed of one side."""

    result: Any
    raised: tuple[str, str] | None
    logged: list[tuple[str, str, str]]  # logger, level, text
    warned: list[tuple[str, str]]
    spans: list[dict[str, Any]]
    ours: list[str]  # lines of the logger "spanwire", which the SDK does not have

    @property
    def texts(self) -> list[str]:
        return [text for _, _, text in self.logged]


class _Keep(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[tuple[str, str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append((record.name, record.levelname, record.getMessage()))


@contextmanager
def logged() -> Iterator[list[tuple[str, str, str]]]:
    """What reaches the root logger."""
    root, keep = logging.getLogger(), _Keep()
    log._last.clear()
    root.addHandler(keep)
    try:
        yield keep.records
    finally:
        root.removeHandler(keep)


class Ids:
    """Names ids by the order in which they are first seen, so that runs can be compared."""

    def __init__(self) -> None:
        self.known: dict[int, str] = {}

    def __call__(self, number: int) -> str:
        if number < 2**32:  # a scenario's own
            return str(number)
        return self.known.setdefault(number, f"id {len(self.known)}")


def typed(value: Any) -> Any:
    """A value with the types of all its parts: 1, 1.0 and True are equal to Python, and a tuple must not be a list."""
    if isinstance(value, Mapping):
        return [(typed(key), typed(item)) for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, *[typed(item) for item in value])
    if isinstance(value, float):
        return ("float", value.hex())
    return (type(value).__name__, value)


def without_sdk_frames(stacktrace: str) -> str:
    """A stack trace without what lies in the API, the SDK and contextlib: our blocks have no frames, and decorators one of their own."""
    return re.sub(
        r'  File "[^"]*(?:opentelemetry|contextlib|spanwire/trace/_decorator)[^"]*".*\n(?:    .*\n)*', "", stacktrace
    )


def described_event(event: Any) -> Any:
    attributes = dict(event.attributes)
    if isinstance(found := attributes.get("exception.stacktrace"), str):
        attributes["exception.stacktrace"] = without_sdk_frames(found)
    return type(event), event.name, typed(attributes), event.dropped_attributes


def described_context(context: api.SpanContext | None, ids: Ids) -> Any:
    if context is None:
        return None
    return {
        "trace": ids(context.trace_id),
        "span": ids(context.span_id),
        "flags": int(context.trace_flags),
        "remote": context.is_remote,
        "state": list(context.trace_state.items()),
        "valid": context.is_valid,
    }


def described(span: Any, ids: Ids | None = None) -> dict[str, Any]:
    """All that can be read of a span, ids and clock times aside."""
    ids = ids or Ids()
    return {
        "name": span.name,
        "kind": span.kind,
        "context": described_context(span.context, ids),
        "parent": described_context(span.parent, ids),
        "attributes": typed(span.attributes),
        "attributes type": type(span.attributes).__name__,
        "events": [described_event(event) for event in span.events],
        "links": [
            (type(link), described_context(link.context, ids), typed(link.attributes), link.dropped_attributes)
            for link in span.links
        ],
        "status": (span.status.status_code, span.status.description),
        "dropped": (span.dropped_attributes, span.dropped_events, span.dropped_links),
        "resource": span.resource,
        "scope": span.instrumentation_scope,
        "times": (type(span.start_time), type(span.end_time)),
    }


def observe(side: Side, scenario: Callable[[Side], Any]) -> Seen:
    result, raised = None, None
    with logged() as lines, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = scenario(side)
        except BaseException as error:
            raised = (type(error).__name__, str(error))
    ids = Ids()
    return Seen(
        result=result,
        raised=raised,
        logged=[line for line in lines if line[0] != OUR_LOGGER],
        warned=[(item.category.__name__, str(item.message)) for item in caught],
        spans=[described(span, ids) for span in side.spans],
        ours=[text for name, _, text in lines if name == OUR_LOGGER],
    )


def same(scenario: Callable[[Side], Any], *, differ: Sequence[str] = ()) -> Seen:
    """Run on all sides, require the same of all; gives what was seen of ours.

    :param scenario: gets a side and returns anything that can be compared.
    :param differ: fields of :class:`Seen` that a listed difference is about.
    """
    theirs, *ours = (observe(side, scenario) for side in sides()[0 if IS_NEWEST else 1 :])
    for seen in ours:
        for name in ("raised", "result", "logged", "warned", "spans"):
            if name not in differ:
                assert (name, getattr(seen, name)) == (name, getattr(theirs, name))
        if "ours" not in differ:
            assert seen.ours == []
    return ours[0]


def both(scenario: Callable[[Side], Any]) -> tuple[Seen, Seen]:
    """What was seen of the SDK, and of ours: for the differences that docs/compatibility.md lists."""
    theirs, first, second = (observe(side, scenario) for side in sides())
    assert first == second
    return theirs, first
