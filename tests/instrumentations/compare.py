"""What differs between the spans, and between the texts, of two runs of a program."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from tests.instrumentations import normalise
from tests.instrumentations.observed import Node, Sent, forest, nodes, shape

__all__ = ["Difference", "Text", "differences", "text_differences"]


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of a span, or a line of a text, that is another one."""

    where: str
    field: str
    sdk: str
    ours: str

    def __str__(self) -> str:
        return f"{self.where}: {self.field}\n    SDK:      {self.sdk}\n    spanwire: {self.ours}"


def differences(sdk: Sent, ours: Sent) -> list[Difference]:
    """Empty if both sent the same trees of the same spans, as often."""
    left, right = forest(sdk), forest(ours)
    if _traces(left) == _traces(right):
        return []
    found = _flat_differences(nodes(left), nodes(right))
    # Every span has its twin, at the same place by name, but subtrees are distributed otherwise.
    return found or [Difference("traces", "structure", _only(left, right), _only(right, left))]


@dataclass(frozen=True, slots=True)
class Text:
    """What a program has printed, and what stands in the place of its run's ids."""

    printed: str
    ids: Mapping[str, str] = field(default_factory=dict)


def text_differences(name: str, sdk: Text, ours: Text, *, ordered: bool = False) -> list[Difference]:
    """Lines of a text that the other does not have, or not as often. Their order is the threads' unless it is said that there is one."""
    sdk_lines, our_lines = (normalise.lines(side.printed, side.ids, ordered=ordered) for side in (sdk, ours))
    left, right = Counter(sdk_lines), Counter(our_lines)
    only_sdk, only_ours = sorted((left - right).elements()), sorted((right - left).elements())
    found = [
        Difference(name, "line", one, other)
        for one, other in zip_longest(only_sdk, only_ours, fillvalue="has no such line")
    ]
    if ordered and not found and sdk_lines != our_lines:
        one, other = next(pair for pair in zip(sdk_lines, our_lines, strict=True) if pair[0] != pair[1])
        found.append(Difference(name, "order", one, other))
    return found


def _traces(trees: Sequence[Sequence[Node]]) -> Counter[str]:
    return Counter(" ".join(sorted(map(shape, trace))) for trace in trees)


def _only(one: Sequence[Sequence[Node]], other: Sequence[Sequence[Node]]) -> str:
    return "; ".join((_traces(one) - _traces(other)).elements())


def _flat_differences(sdk: Sequence[Node], ours: Sequence[Node]) -> list[Difference]:
    found = []
    left, right = _by_path(sdk), _by_path(ours)
    for path in sorted({*left, *right}):
        where = " > ".join(path)
        only_sdk, only_ours = _without_twins(left[path], right[path])
        for one, other in zip(only_sdk, only_ours, strict=False):
            for name in sorted({*one.fields, *other.fields}):
                if one.fields.get(name) != other.fields.get(name):
                    found.append(Difference(where, name, _shown(one, name), _shown(other, name)))
        for node in only_sdk[len(only_ours) :]:
            found.append(Difference(where, "span", json.dumps(node.fields), "is missing"))
        for node in only_ours[len(only_sdk) :]:
            found.append(Difference(where, "span", "is not there", json.dumps(node.fields)))
    return found


def _by_path(found: Iterable[Node]) -> defaultdict[tuple[str, ...], list[Node]]:
    paths: defaultdict[tuple[str, ...], list[Node]] = defaultdict(list)
    for node in found:
        paths[node.path].append(node)
    return paths


def _without_twins(sdk: list[Node], ours: list[Node]) -> tuple[list[Node], list[Node]]:
    """Both in a fixed order, without those that the other side has as well."""
    common = Counter(json.dumps(node.fields) for node in sdk) & Counter(json.dumps(node.fields) for node in ours)
    rest = []
    for side in (sdk, ours):
        left = common.copy()
        kept = []
        for node in sorted(side, key=lambda node: json.dumps(node.fields)):
            text = json.dumps(node.fields)
            if left[text]:
                left[text] -= 1
            else:
                kept.append(node)
        rest.append(kept)
    return rest[0], rest[1]


def _shown(node: Node, name: str) -> str:
    return json.dumps(node.fields.get(name), ensure_ascii=False)
