"""What a received span holds, without what differs from run to run (ids and times), and whether two sides sent the same.

OTLP says everything. Datadog's format knows neither scopes nor kinds nor typed attributes, and ddtrace adds tags of its own:
of its spans names and the attributes that the others have are compared, as text.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from spanwire.sink import ReceivedSpan

__all__ = ["Shape", "difference", "of_datadog", "of_otlp"]


class Shape(TypedDict, total=False):
    """A span; everything but name and attributes is of OTLP alone."""

    name: str
    attributes: dict[str, Any]
    kind: str
    scope: list[str]
    status: list[str]
    has_parent: bool
    events: list[list[Any]]
    links: list[dict[str, Any]]


def of_otlp(span: ReceivedSpan) -> Shape:
    """Of a span that the sink received."""
    return {
        "name": span.name,
        "attributes": span.attributes,
        "kind": str(span.kind),
        "scope": [span.scope_name, span.scope_version],
        "status": [str(span.status.code), span.status.message],
        "has_parent": span.parent_span_id is not None,
        "events": [[event.name, event.attributes] for event in span.events],
        "links": [link.attributes for link in span.links],
    }


def of_datadog(resource: str, meta: Mapping[str, str], metrics: Mapping[str, float]) -> Shape:
    """Of a span of Datadog's format; its ``resource`` is what OpenTelemetry calls a span's name."""
    return {"name": resource, "attributes": {**meta, **metrics}}


def difference(reference: Sequence[Shape], shapes: Sequence[Shape], *, loosely: bool = False) -> str | None:
    """None if they are the same spans, in any order; else one span that only one of them has.

    :param loosely: compare names and the attributes that the reference has, as text.
    """
    if loosely:
        known: dict[str, set[str]] = defaultdict(set)
        for shape in reference:
            known[shape["name"]].update(_flat(shape))
        expected = _counted(_loose(shape, known[shape["name"]]) for shape in reference)
        found = _counted(_loose(shape, known.get(shape["name"], set())) for shape in shapes)
    else:
        expected, found = _counted(reference), _counted(shapes)
    for what, spans in (("is missing", expected - found), ("is too much", found - expected)):
        for span in spans:
            return f"{what}: {span}"
    return None


def _counted(shapes: Iterable[object]) -> Counter[str]:
    return Counter(json.dumps(shape, sort_keys=True) for shape in shapes)


def _loose(shape: Shape, keys: set[str]) -> dict[str, Any]:
    attributes = {key: _text(value) for key, value in _flat(shape).items() if key in keys}
    return {"name": shape["name"], "attributes": attributes}


def _flat(shape: Shape) -> dict[str, Any]:
    """Ddtrace has no lists: their elements have keys of their own. One key it gives the name that it had before."""
    flat: dict[str, Any] = {}
    for key, value in shape["attributes"].items():
        if isinstance(value, list):
            flat.update({f"{key}.{index}": element for index, element in enumerate(value)})
        else:
            flat["http.response.status_code" if key == "http.status_code" else key] = value
    return flat


def _text(value: object) -> str:
    """Numbers and truth values come as numbers or as texts."""
    text = str(value).lower() if isinstance(value, bool) or value in {"True", "False"} else str(value)
    try:
        return str(float({"true": "1", "false": "0"}.get(text, text)))
    except ValueError:
        return text
