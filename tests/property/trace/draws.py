"""hypothesis strategies for programs. Everything odd is there, and most of a program is sane: what follows one that raised
would otherwise never be reached.

A value that OTLP cannot hold is drawn only under limits that no program reaches: it is missing on our side (differences.py), so
it would not push out the oldest as it does in the SDK.
"""

import functools
from typing import Any

from hypothesis import strategies as st

from tests.property.trace import programs as p
from tests.property.trace.decorated import KINDS
from tests.property.trace.ids import ODD
from tests.property.trace.made import HOSTILE, MAPPINGS, PLAIN, SUBCLASSES, UNENCODABLE, name_of
from tests.property.trace.processors import PROCESSORS
from tests.property.trace.raised import RAISED
from tests.property.trace.reads import READS
from tests.property.trace.samplers import CUSTOM

__all__ = ["programs"]

# Few, so that they meet again.
_KEYS = ("a", "b", "c", "http.request.method", "schlüssel", "ключ", "鍵", "🔑")
_TEXTS = ("", "GET", "/users/42", "é" * 8, "жж", "日本語の文", "𝟙🔑", "nul\0", "a" * 31, "b" * 200)
_INTS = (0, 1, -1, 127, 128, 300, -(2**31), 2**53 + 1, 2**63 - 1, -(2**63))
_FLOATS = (0.0, -0.0, 0.42, 1e300, 5e-324)
_TIMES = (0, 1, 1_700_000_000_000_000_000, 1_700_000_001_000_000_001, 2**62)
_ODD_TIMES = (-1, 2**63, 2**64 - 1, 2**64, 2**70, 1.5, float("inf"), "soon", "17", True, b"1", [1])
_KINDS = ("INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
_ODD_KINDS = (0, 1, 3, 6, None, 2.5, "server", True)


def _weighted(*choices: tuple[int, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """One of the strategies, as often as its weight says (``one_of`` takes equal ones once).

    It prints as a number: hypothesis prints a strategy whenever it gives one up, and written out, with every strategy as often
    as it weighs, these have gigabytes.
    """
    strategies = [strategy for weight, strategy in choices for _ in range(weight)]

    def chosen(number: int) -> st.SearchStrategy[Any]:
        return strategies[number]

    return st.integers(0, len(strategies) - 1).flatmap(chosen)


def _names_of(kind: str, table: dict[str, Any]) -> st.SearchStrategy[p.Make]:
    return st.sampled_from([name_of(kind, name) for name in table])


@functools.cache
def _scalars() -> st.SearchStrategy[Any]:
    return st.one_of(
        st.sampled_from(_TEXTS),
        st.sampled_from(_INTS),
        st.booleans(),
        st.sampled_from(_FLOATS),
        st.sampled_from([b"", b"\0\xff", None]),
    )


@functools.cache
def _values(unencodable: bool) -> st.SearchStrategy[Any]:
    nested = st.recursive(
        _scalars(),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.lists(inner, max_size=2).map(tuple),
            st.dictionaries(st.sampled_from(["k", "", "ключ", 1]), inner, max_size=3),
        ),
        max_leaves=5,
    )
    choices = [(18, _scalars()), (6, nested), (8, _names_of("value", PLAIN)), (2, _names_of("value", SUBCLASSES))]
    choices.append((1, _names_of("value", HOSTILE)))
    if unencodable:
        choices.append((2, _names_of("value", UNENCODABLE)))
    return _weighted(*choices)


@functools.cache
def _keys(odd: bool = True) -> st.SearchStrategy[Any]:
    odd_keys = ["", None, 5, True, b"bytes", 2.5, ("t",), name_of("value", "str subclass"), name_of("value", "object")]
    odd_keys += [name_of("value", "__str__ raises"), name_of("value", "str subclass with another hash")]
    return _weighted((9, st.sampled_from(_KEYS)), (1, st.sampled_from(odd_keys)))


@functools.cache
def _attributes(unencodable: bool) -> st.SearchStrategy[Any]:
    plain = st.dictionaries(st.sampled_from(_KEYS), _values(unencodable), max_size=5)
    # Hashing made keys is what a dict does with them; unhashable ones are left to MAPPINGS.
    odd = st.dictionaries(st.sampled_from([*_KEYS, "", 5, None]), _values(unencodable), max_size=5)
    return _weighted((12, plain), (2, odd), (3, _names_of("mapping", MAPPINGS)), (1, st.none()))


@functools.cache
def _names() -> st.SearchStrategy[Any]:
    odd = [
        "",
        "größe",
        "日本",
        "🔑" * 3,
        "n" * 300,
        "lone \ud800",
        5,
        None,
        2.5,
        name_of("value", "str subclass with another hash"),
    ]
    return _weighted((5, st.sampled_from(["span", "GET /", "child", "x"])), (1, st.sampled_from(odd)))


_slots = st.integers(0, 4)
_flags = st.sampled_from([0, 1, 2, 3])
_states = st.sampled_from(["none", "none", "one", "two", "many"])


@functools.cache
def _span_contexts() -> st.SearchStrategy[Any]:
    return _weighted(
        (4, st.tuples(st.sampled_from(["remote", "local"]), st.integers(1, 4), _flags, _states)),
        (2, st.tuples(st.just("span"), _slots)),
        (1, st.tuples(st.sampled_from(["invalid", "half invalid"]), st.sampled_from(["none", "one"]))),
        (1, st.just("None")),
    )


@functools.cache
def _contexts() -> st.SearchStrategy[Any]:
    return _weighted(
        (3, st.sampled_from([None, "empty", "current", "baggage"])),
        (1, st.sampled_from(["no span", "dict", "baggage"])),
        (3, st.tuples(st.sampled_from(["span", "span and baggage", "dict"]), _slots)),
        (4, st.tuples(st.sampled_from(["parent", "foreign"]), _span_contexts())),
    )


@functools.cache
def _links(unencodable: bool) -> st.SearchStrategy[Any]:
    link = st.one_of(
        st.tuples(_span_contexts(), _attributes(unencodable)), st.tuples(_span_contexts(), st.none()), st.none()
    )
    return _weighted(
        (5, st.lists(link, max_size=3)),
        (1, st.lists(link, max_size=3).map(lambda links: ["tuple", *links])),
        (1, st.none()),
    )


@functools.cache
def _times() -> st.SearchStrategy[Any]:
    return _weighted((4, st.none()), (4, st.sampled_from(_TIMES)), (1, st.sampled_from(_ODD_TIMES)))


@functools.cache
def _tracings(unencodable: bool) -> st.SearchStrategy[p.Tracing]:
    arguments = st.fixed_dictionaries(
        {},
        optional={
            "context": _contexts(),
            "kind": _weighted((9, st.sampled_from(_KINDS)), (1, st.sampled_from(_ODD_KINDS))),
            "attributes": _attributes(unencodable),
            "links": _links(unencodable),
            "start_time": _times(),
            "record_exception": st.booleans(),
            "set_status_on_exception": st.booleans(),
            "end_on_exit": st.booleans(),
        },
    )
    some = _weighted((14, st.builds(dict)), (14, arguments), (1, st.just({"bogus": 1})))
    positional = st.sampled_from([0] * 24 + [-1] * 4 + [1, 2, 3, 4, 5, 6, 7, 8] * 2 + [-2])
    return st.builds(p.Tracing, _names(), some, positional, st.integers(0, 1))


_no_arguments: st.SearchStrategy[Any] = st.just(())


@functools.cache
def _statuses() -> st.SearchStrategy[tuple[Any, ...]]:
    description = st.sampled_from([None, "", "bad", "größe", "lone \ud800", 5])
    code = st.sampled_from(["UNSET", "OK", "ERROR"])
    status = st.tuples(st.just("Status"), code, description)
    return _weighted(
        (4, st.tuples(st.tuples(st.just("code"), code))),
        (3, st.tuples(st.tuples(st.just("code"), code), description)),
        (4, st.tuples(status)),
        (1, st.tuples(status, description)),
        (1, st.sampled_from([(None,), (2,), ("ERROR",)])),
    )


@functools.cache
def _calls(unencodable: bool) -> st.SearchStrategy[p.Call]:
    values, attributes = _values(unencodable), _attributes(unencodable)
    exceptions = st.tuples(st.just("exception"), st.sampled_from(sorted(RAISED)))
    overriding = st.fixed_dictionaries(
        {}, optional={"exception.message": values, "exception.type": st.just("Other"), "a": values, "": st.just(1)}
    )

    def call(method: str, args: st.SearchStrategy[Any], **named: st.SearchStrategy[Any]) -> st.SearchStrategy[p.Call]:
        kwargs: st.SearchStrategy[Any] = st.fixed_dictionaries({}, optional=named) if named else st.builds(dict)
        return st.builds(p.Call, _slots, st.just(method), args, kwargs)

    contexts = st.tuples(st.just("context"), _span_contexts())
    return _weighted(
        (8, call("set_attribute", st.tuples(_keys(), values))),
        (1, call("set_attribute", _no_arguments, key=_keys(), value=values)),
        (3, call("set_attributes", st.tuples(attributes))),
        (3, call("add_event", st.tuples(_names()), attributes=attributes, timestamp=_times())),
        (1, call("add_event", st.tuples(_names(), attributes))),
        (2, call("add_link", st.tuples(contexts), attributes=attributes)),
        (1, call("add_link", st.tuples(contexts, attributes))),
        (
            3,
            call(
                "record_exception",
                st.tuples(exceptions),
                attributes=_weighted((1, overriding), (1, attributes)),
                timestamp=_times(),
                escaped=st.sampled_from([True, False, "yes", None]),
            ),
        ),
        (3, call("set_status", _statuses())),
        (1, call("update_name", st.tuples(_names()))),
        (3, call("end", _no_arguments)),
        (1, call("end", st.tuples(_times()))),
        (1, call("end", _no_arguments, end_time=_times())),
        (1, call("is_recording", _no_arguments)),
        (
            1,
            st.builds(
                p.Call,
                _slots,
                st.sampled_from(["set_attribute", "add_event", "end", "nothing"]),
                st.just((1, 2, 3, 4)),
            ),
        ),
    )


_raises = _weighted((3, st.none()), (1, st.sampled_from(sorted(RAISED))))
_options = st.fixed_dictionaries(
    {},
    optional={
        "end_on_exit": st.booleans(),
        "record_exception": st.booleans(),
        "set_status_on_exception": st.booleans(),
    },
)
_hows = st.sampled_from(["current", "current", "current", "span", "again", "use", "own use"])


@functools.cache
def _flat(unencodable: bool) -> st.SearchStrategy[p.Step]:
    tracings = _tracings(unencodable)
    return _weighted(
        (12, _calls(unencodable)),
        (4, st.builds(p.Start, tracings)),
        (4, st.builds(p.Read, _slots, st.sampled_from(sorted(READS)))),
        (2, st.builds(p.Enter, _hows, tracings, _slots, _options)),
        (2, st.builds(p.Exit, _slots, _raises)),
        (1, st.builds(p.Hold, _slots)),
        (1, st.builds(p.Misuse, st.sampled_from(["entered again", "left again", "left first"]), _slots)),
        (1, st.builds(p.Attach, _contexts().filter(lambda context: context is not None))),
        (1, st.builds(p.Detach, _slots)),
        (1, st.builds(p.Use, _slots, _options)),
        (1, st.just(p.Capture())),
        (1, st.builds(p.Resume, _slots, st.sampled_from(["next", "next", "close", "throw"]))),
        (1, st.builds(p.Forget, _slots)),
        (
            1,
            st.one_of(
                st.builds(p.AddProcessor, st.sampled_from(sorted(PROCESSORS))),
                st.builds(p.Provider, st.sampled_from(["force_flush", "get_tracer", "resource", "tracer", "shutdown"])),
            ),
        ),
    )


def _nested(unencodable: bool) -> Any:
    tracings = _tracings(unencodable)

    def extend(steps: st.SearchStrategy[Any]) -> st.SearchStrategy[p.Step]:
        bodies = st.lists(steps, max_size=5).map(tuple)
        return _weighted(
            (6, st.builds(p.With, _hows, tracings, _slots, _options, bodies, _raises)),
            (1, st.builds(p.Copied, bodies)),
            (1, st.builds(p.RunIn, _slots, bodies)),
            (1, st.builds(p.InThread, st.booleans(), bodies)),
            (1, st.builds(p.Decorated, st.sampled_from(KINDS), tracings, st.integers(1, 2), bodies, _raises)),
            (1, st.builds(p.Suspend, tracings, bodies)),
            (6, steps),
        )

    return extend


@functools.cache
def _steps(unencodable: bool) -> st.SearchStrategy[tuple[p.Step, ...]]:
    flat = _flat(unencodable)
    extend = _nested(unencodable)
    step = _weighted((3, flat), (2, extend(_weighted((3, flat), (1, extend(flat))))))
    begins = st.one_of(
        st.builds(p.Start, _tracings(unencodable)), st.just(p.Start()), st.just(p.Start(p.Tracing("GET /")))
    )
    # Left alone, hypothesis draws five of fourteen.
    steps = st.one_of(st.lists(step, max_size=5), st.lists(step, min_size=7, max_size=20))
    return st.tuples(begins, steps).map(lambda drawn: (drawn[0], *drawn[1]))


@functools.cache
def _samplers(random_ids: bool) -> st.SearchStrategy[Any]:
    # With ids of its own each side would decide about other traces.
    rates = st.sampled_from([0.0, 1.0] if random_ids else [0.0, 0.25, 0.5, 1.0])
    simple = _weighted(
        (1, st.sampled_from(["always_on", "always_off", "record_only"])),
        (1, st.tuples(st.just("ratio"), rates)),
        (2, st.tuples(st.just("python"), st.sampled_from(sorted(CUSTOM)))),
    )
    delegates = st.fixed_dictionaries(
        {},
        optional={
            f"{where}_parent_{what}": simple for where in ("remote", "local") for what in ("sampled", "not_sampled")
        },
    )
    composed = st.one_of(
        st.sampled_from(["default_on", "default_off"]),
        st.tuples(st.just("parent_ratio"), rates),
        st.tuples(st.just("parent_based"), simple, delegates),
        st.tuples(st.just("always_record"), simple),
    )
    return _weighted((5, st.none()), (2, st.just("always_on")), (3, simple), (3, composed))


@functools.cache
def _limits() -> st.SearchStrategy[Any]:
    counts = st.sampled_from([None, -1, 0, 1, 2, 3, 5])
    lengths = st.sampled_from([None, -1, 0, 1, 3, 10, 30])
    return st.fixed_dictionaries(
        {},
        optional={
            **{
                f"max_{what}": counts
                for what in ("attributes", "events", "links", "span_attributes", "event_attributes", "link_attributes")
            },
            "max_attribute_length": lengths,
            "max_span_attribute_length": lengths,
        },
    )


@st.composite
def _setups(draw: st.DrawFn) -> p.Setup:
    ids = draw(
        _weighted(
            (24, st.sampled_from(["counting", "counting", "counting, random", "own", "own"])),
            (1, st.sampled_from(sorted(ODD))),
        )
    )
    processors = draw(
        _weighted(
            (2, st.just(())),
            (2, st.just(("records",))),
            (3, st.lists(st.sampled_from(sorted(PROCESSORS)), min_size=1, max_size=3).map(tuple)),
            (1, st.sampled_from([("redacts", "records"), ("sets", "records"), ("redacts events", "records")])),
        )
    )
    scope = st.one_of(
        st.just(("scope",)),
        st.sampled_from(
            [("", None), ("größe", "1.0"), ("s", "1", "https://schema"), ("s", None, None, {"a": [1], "b": "é"})]
        ),
    )
    return p.Setup(
        limits=draw(_weighted((1, st.none()), (1, _limits()))),
        sampler=draw(_samplers(ids == "own")),
        processors=processors,
        concurrent=draw(st.sampled_from([False] * 15 + [True])),
        resource=draw(st.sampled_from([None, {}, {"service.name": "shop", "größe": [1, 2]}])),
        scopes=tuple(draw(st.lists(scope, min_size=1, max_size=2))),
        ids=ids,
        disabled=draw(st.sampled_from([False] * 30 + [True])),
    )


@st.composite
def programs(draw: st.DrawFn) -> p.Program:
    """Any program."""
    setup = draw(_setups())
    return p.Program(setup, draw(_steps(unencodable=setup.limits is None)))
