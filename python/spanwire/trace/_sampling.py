"""Which samplers native code can stand in for.

A native sampler is five pairs (mode, bound): for a root, a remote sampled parent, a remote one that is not sampled, a local sampled
parent, a local one that is not sampled. Only the SDK's own classes, exactly, with the methods that they came with: whatever was
subclassed, patched or is somebody else's is asked for each span.
"""

from typing import Any

from opentelemetry.sdk.trace import sampling

__all__ = ["Spec", "spec"]

Rule = tuple[int, int]
Spec = tuple[Rule, Rule, Rule, Rule, Rule]

_OFF, _ON, _RECORD_ONLY, _RATIO = 0, 1, 2, 3
_EVERY_TRACE = 2**64
_MODES = {
    sampling.Decision.DROP: _OFF,
    sampling.Decision.RECORD_AND_SAMPLE: _ON,
    sampling.Decision.RECORD_ONLY: _RECORD_ONLY,
}


def _stock(*names: str) -> dict[type, Any]:
    """The SDK's classes that there are of these names, with the ``should_sample`` that they have now."""
    kinds = (getattr(sampling, name, None) for name in names)
    return {kind: kind.should_sample for kind in kinds if kind is not None}


# Those with an underscore are what OTEL_TRACES_SAMPLER gives under auto-instrumentation.
_STATIC = _stock("StaticSampler", "_AlwaysOn", "_AlwaysOff")
_BY_RATIO = _stock("TraceIdRatioBased")
_PARENT_BASED = _stock("ParentBased", "ParentBasedTraceIdRatio", "_ParentBasedAlwaysOn", "_ParentBasedAlwaysOff")
_RATIO_LIMIT = sampling.TraceIdRatioBased.TRACE_ID_LIMIT


def spec(sampler: object) -> Spec | None:
    """What decides as ``sampler`` does, or None if only asking it can tell.

    :param sampler: any object that is used as a sampler.
    """
    if not _is_stock(sampler, _PARENT_BASED):
        rule = _rule(sampler)
        return None if rule is None else (rule, rule, rule, rule, rule)
    state = vars(sampler)
    root = _rule(state.get("_root"))
    remote = _rule(state.get("_remote_parent_sampled")), _rule(state.get("_remote_parent_not_sampled"))
    local = _rule(state.get("_local_parent_sampled")), _rule(state.get("_local_parent_not_sampled"))
    if root is None or remote[0] is None or remote[1] is None or local[0] is None or local[1] is None:
        return None
    return root, remote[0], remote[1], local[0], local[1]


def _is_stock(sampler: object, kinds: dict[type, Any]) -> bool:
    kind = type(sampler)
    return kind in kinds and kind.should_sample is kinds[kind] and "should_sample" not in vars(sampler)  # type: ignore[attr-defined]  # a key of the dict has it


def _rule(sampler: object) -> Rule | None:
    """The pair for a sampler that does not look at parents."""
    if _is_stock(sampler, _STATIC):
        mode = _MODES.get(vars(sampler).get("_decision"))  # type: ignore[arg-type]  # None is no key
        return None if mode is None else (mode, 0)
    if _is_stock(sampler, _BY_RATIO) and sampling.TraceIdRatioBased.TRACE_ID_LIMIT == _RATIO_LIMIT:
        bound = vars(sampler).get("_bound")
        return (_RATIO, bound) if isinstance(bound, int) and 0 <= bound <= _EVERY_TRACE else None
    return None
