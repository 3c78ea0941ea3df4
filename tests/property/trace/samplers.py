"""Samplers of programs: the SDK's by their tuples, and Python ones that do what samplers may do."""

from collections.abc import Callable
from typing import Any

from opentelemetry.trace import TraceState, get_current_span

from tests.property.trace.differences import kind_taken
from tests.property.trace.made import Boom
from tests.property.trace.observe import Record, Said

__all__ = ["CUSTOM", "build_sampler"]


def build_sampler(described: Any, sampling: Any, record: Record) -> Any:
    """``described`` is None, a name, or (name, arguments…); ``record`` notes what a Python sampler was asked."""
    match described:
        case None:
            return None
        case "always_on":
            return sampling.ALWAYS_ON
        case "always_off":
            return sampling.ALWAYS_OFF
        case "default_on":
            return sampling.DEFAULT_ON
        case "default_off":
            return sampling.DEFAULT_OFF
        case "record_only":
            return sampling.StaticSampler(sampling.Decision.RECORD_ONLY)
        case ("ratio", rate):
            return sampling.TraceIdRatioBased(rate)
        case ("parent_ratio", rate):
            return sampling.ParentBasedTraceIdRatio(rate)
        case ("always_record", root):
            return sampling.AlwaysRecordSampler(build_sampler(root, sampling, record))
        case ("parent_based", root, delegates):
            return sampling.ParentBased(
                build_sampler(root, sampling, record),
                **{name: build_sampler(sampler, sampling, record) for name, sampler in delegates.items()},
            )
        case ("python", kind):
            return _python_sampler(kind, sampling, record)
    raise AssertionError(described)


def _adds(sampling: Any, attributes: Any, **_: Any) -> Any:
    added = {**dict(attributes or {}), "sampler.rate": 0.5, "sampler.list": [1, "a"]}
    return sampling.SamplingResult(sampling.Decision.RECORD_AND_SAMPLE, added, TraceState([("sampler", "was-here")]))


def _replaces(sampling: Any, **_: Any) -> Any:
    return sampling.SamplingResult(sampling.Decision.RECORD_AND_SAMPLE)


def _records(sampling: Any, attributes: Any, parent: Any, **_: Any) -> Any:
    return sampling.SamplingResult(
        sampling.Decision.RECORD_ONLY, attributes, parent.trace_state.add("only", "recorded")
    )


def _drops(sampling: Any, **_: Any) -> Any:
    return sampling.SamplingResult(sampling.Decision.DROP, {"for": "nothing"}, TraceState([("dropped", "1")]))


def _raises(**_: Any) -> Any:
    raise Boom("sampler")


def _gives_none(**_: Any) -> Any:
    return None


def _odd(sampling: Any, **_: Any) -> Any:
    odd = {"": 1, 5: "five", "text": "é" * 40, "object": object(), "nested": {"": 1, "k": [None]}}
    return sampling.SamplingResult(sampling.Decision.RECORD_AND_SAMPLE, odd)


def _by_name(sampling: Any, name: Any, attributes: Any, parent: Any, **_: Any) -> Any:
    odd = len(str(name)) % 2
    decision = sampling.Decision.RECORD_AND_SAMPLE if odd else sampling.Decision.DROP
    return sampling.SamplingResult(decision, attributes, parent.trace_state)


CUSTOM: dict[str, Callable[..., Any]] = {
    "adds": _adds,
    "replaces": _replaces,
    "records": _records,
    "drops": _drops,
    "raises": _raises,
    "gives None": _gives_none,
    "odd": _odd,
    "by name": _by_name,
}


def _python_sampler(kind: str, sampling: Any, record: Record) -> Any:
    decide = CUSTOM[kind]

    class PythonSampler(sampling.Sampler):  # type: ignore[misc]
        def should_sample(
            self,
            parent_context: Any,
            trace_id: int,
            name: Any,
            kind: Any = None,
            attributes: Any = None,
            links: Any = None,
            trace_state: Any = None,
        ) -> Any:
            parent = get_current_span(parent_context).get_span_context()
            traced = Said(record.id(trace_id, True))
            record.note(
                "sampler asked",
                parent_context is None,
                traced,
                name,
                kind_taken(kind),
                attributes,
                links,
                trace_state,
                parent,
            )
            return decide(sampling=sampling, name=name, attributes=attributes, parent=parent)

        def get_description(self) -> str:
            return "Python"

    return PythonSampler()
