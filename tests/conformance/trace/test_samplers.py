"""Samplers and generators of ids: ours decide as the SDK's, and others are asked as the SDK asks them."""

import random
from typing import Any

import pytest
from opentelemetry import trace as api
from opentelemetry.sdk.trace import sampling
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, TraceFlags, TraceState

from spanwire.trace._sampling import spec
from tests.conformance.trace.sides import Side, both, same

ON, OFF = sampling.ALWAYS_ON, sampling.ALWAYS_OFF
RECORD = sampling.StaticSampler(sampling.Decision.RECORD_ONLY)
HALF, NEVER, ALWAYS = (sampling.TraceIdRatioBased(rate) for rate in (0.5, 0.0, 1.0))
SAMPLERS: dict[str, sampling.Sampler] = {
    "on": ON,
    "off": OFF,
    "record only": RECORD,
    "half": HALF,
    "never": NEVER,
    "always": ALWAYS,
    "default on": sampling.DEFAULT_ON,
    "default off": sampling.DEFAULT_OFF,
    "parent based ratio": sampling.ParentBasedTraceIdRatio(0.5),
    "parent based, turned round": sampling.ParentBased(HALF, OFF, ON, OFF, ON),
    "parent based, by rates": sampling.ParentBased(RECORD, HALF, NEVER, ALWAYS, RECORD),
    "nested": sampling.ParentBased(sampling.DEFAULT_ON),
}
if hasattr(sampling, "AlwaysRecordSampler"):
    SAMPLERS["always record"] = sampling.AlwaysRecordSampler(OFF)
LOW, HIGH = 0x1 << 62, 0xF << 60  # trace ids by their low 64 bits: sampled by half, and not


def parent(trace_id: int, *, remote: bool, flags: int, state: Any = ()) -> Any:
    context = SpanContext(trace_id, 0x77, remote, TraceFlags(flags), TraceState(state))
    return api.set_span_in_context(NonRecordingSpan(context))


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
@pytest.mark.parametrize("remote", [True, False])
@pytest.mark.parametrize("flags", [0, 1, 2, 3, 0xFF])
@pytest.mark.parametrize("trace_id", [LOW, HIGH, (1 << 127) | LOW])
def test_children_of_every_parent_are_decided_alike(
    sampler: sampling.Sampler, remote: bool, flags: int, trace_id: int
) -> None:
    def scenario(side: Side) -> Any:
        span = side.tracer(sampler=sampler).start_span("name", context=parent(trace_id, remote=remote, flags=flags))
        context = span.get_span_context()
        return span.is_recording(), int(context.trace_flags), context.trace_id == trace_id, context.is_remote

    assert same(scenario).result[2] is True


class TraceIds(RandomIdGenerator):
    def __init__(self, trace_id: int) -> None:
        self.trace_id = trace_id

    def generate_trace_id(self) -> int:
        return self.trace_id


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
@pytest.mark.parametrize("trace_id", [LOW, HIGH, 2**63 - 1, 2**63, 2**64 - 1, (1 << 127) | LOW])
def test_roots_are_decided_alike(sampler: sampling.Sampler, trace_id: int) -> None:
    def scenario(side: Side) -> Any:
        span = side.tracer(sampler=sampler, id_generator=TraceIds(trace_id)).start_span("name")
        return span.is_recording(), int(span.get_span_context().trace_flags)

    same(scenario)


@pytest.mark.parametrize("rate", [0.0, 0.001, 0.25, 1 / 3, 0.5, 0.999, 1.0])
def test_the_native_ratio_is_the_sdks_for_each_trace_id(rate: float) -> None:
    """Native ids and native sampler: the trace id that came out tells what the SDK would have decided."""
    sampler = sampling.TraceIdRatioBased(rate)

    def scenario(side: Side) -> Any:
        tracer = side.tracer(sampler=sampler)
        spans = [tracer.start_span("name") for _ in range(500)]
        return [
            span.is_recording()
            == (
                sampler.should_sample(None, span.get_span_context().trace_id, "name").decision
                is not sampling.Decision.DROP
            )
            for span in spans
        ]

    assert same(scenario).result == [True] * 500


@pytest.mark.parametrize("rate", [0, 1, 0.5])
def test_bounds_of_rates_are_what_the_native_sampler_gets(rate: float) -> None:
    sampler = sampling.TraceIdRatioBased(rate)
    assert spec(sampler) == ((3, sampler.bound),) * 5
    assert 0 <= sampler.bound <= 2**64


def stock(name: str) -> Any:
    """What OTEL_TRACES_SAMPLER gives under auto-instrumentation."""
    return getattr(sampling, name)(None)


def test_stock_samplers_have_a_native_stand_in_and_others_have_none() -> None:
    class Mine(sampling.StaticSampler):
        pass

    native = {name for name, sampler in SAMPLERS.items() if spec(sampler) is not None}
    assert native == set(SAMPLERS) - {"nested", "always record"}
    assert spec(sampling.DEFAULT_ON) == ((1, 0), (1, 0), (0, 0), (1, 0), (0, 0))
    assert spec(Mine(sampling.Decision.DROP)) is None
    assert spec(object()) is None
    assert spec(stock("_AlwaysOn")) == ((1, 0),) * 5
    assert spec(stock("_ParentBasedAlwaysOff")) == ((0, 0), (1, 0), (0, 0), (1, 0), (0, 0))


def test_a_patched_sampler_has_no_native_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    sampler = sampling.StaticSampler(sampling.Decision.DROP)
    monkeypatch.setattr(sampler, "should_sample", None, raising=False)
    assert spec(sampler) is None
    assert spec(sampling.ParentBased(sampler)) is None
    monkeypatch.setattr(sampling.StaticSampler, "should_sample", lambda *_: None)
    assert spec(sampling.ALWAYS_ON) is None
    assert spec(HALF) is not None


@pytest.mark.parametrize(
    "name",
    ["always_on", "always_off", "traceidratio", "parentbased_always_off", "parentbased_traceidratio", "nonsense"],
)
@pytest.mark.parametrize("argument", [None, "0.0", "1.0", "nonsense"])
def test_the_environment_chooses_the_sampler(name: str, argument: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", name)
    if argument is not None:
        monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", argument)

    def scenario(side: Side) -> Any:
        provider = side.trace.TracerProvider(shutdown_on_exit=False)
        return provider.get_tracer("scope").start_span("name").is_recording(), provider.sampler.get_description()

    recording, _ = same(scenario).result
    assert recording is (name in {"always_on", "nonsense"} or ("ratio" in name and argument != "0.0"))


class Recorder(sampling.Sampler):
    """Keeps what it was asked, and answers with attributes and a trace state of its own."""

    def __init__(self, decision: sampling.Decision, *, state: Any = None, attributes: Any = None) -> None:
        self.asked: list[Any] = []
        self.answer = sampling.SamplingResult(decision, attributes, state)

    def should_sample(self, *args: Any, **kwargs: Any) -> sampling.SamplingResult:
        self.asked.append((args[0], args[2:], kwargs))
        return self.answer

    def get_description(self) -> str:
        return "Recorder"


def test_a_sampler_is_asked_with_the_sdks_arguments() -> None:
    def scenario(side: Side) -> Any:
        if side.asked:
            side.asked = False
        sampler = Recorder(sampling.Decision.RECORD_AND_SAMPLE)
        tracer = side.tracer(sampler=sampler)
        link = Link(SpanContext(1, 2, is_remote=False))
        tracer.start_span("plain")
        tracer.start_span("all", parent(5, remote=True, flags=1), SpanKind.CLIENT, {"a": [1]}, [link], 5)
        with tracer.start_as_current_span("current", attributes={"b": 2}):
            tracer.start_span("child")
        links = [[found is link for found in asked[1][3]] for asked in sampler.asked]
        return [(asked[0] is None, asked[1][:3], asked[2]) for asked in sampler.asked], links

    asked, links = same(scenario).result
    assert asked[1] == (False, ("all", SpanKind.CLIENT, {"a": [1]}), {})
    assert links == [[], [True], [], []]


@pytest.mark.parametrize("decision", sampling.Decision)
def test_a_samplers_attributes_and_trace_state_are_the_spans(decision: sampling.Decision) -> None:
    def scenario(side: Side) -> Any:
        state = TraceState([("sampler", "x")])
        sampler = Recorder(decision, state=state, attributes={"from": "sampler", "list": [1]})
        tracer = side.tracer(sampler=sampler)
        with tracer.start_as_current_span("name", attributes={"given": 1}) as span:
            child = tracer.start_span("child")
            child.end()
        found = child.get_span_context().trace_state
        return span.get_span_context().trace_state == state, found == state, getattr(span, "attributes", None)

    seen = same(scenario)
    assert seen.result[0] is True
    if decision is not sampling.Decision.DROP:
        assert list(seen.result[2]) == ["from", "list"]  # what was given is the sampler's to pass on


@pytest.mark.parametrize(
    "state", [None, TraceState(), TraceState([("a", "1"), ("b", "2")])], ids=["none", "empty", "two"]
)
def test_the_parents_trace_state_is_passed_on_by_stock_samplers_and_dropped_by_one_that_gives_none(state: Any) -> None:
    def scenario(side: Side) -> Any:
        context = parent(5, remote=True, flags=1, state=list((state or {}).items()))
        kept = side.tracer().start_span("name", context).get_span_context().trace_state
        own = side.tracer(sampler=Recorder(sampling.Decision.RECORD_AND_SAMPLE, state=state))
        return kept.to_header(), own.start_span("name", context).get_span_context().trace_state.to_header()

    header = "" if state is None else state.to_header()
    assert same(scenario).result == (header, header)


def test_a_sampler_that_raises_reaches_the_caller() -> None:
    class Failing(sampling.Sampler):
        def should_sample(self, *args: Any, **kwargs: Any) -> sampling.SamplingResult:
            raise RuntimeError("no")

        def get_description(self) -> str:
            return ""

    assert same(lambda side: side.span(sampler=Failing())).raised == ("RuntimeError", "no")


class Counting(IdGenerator):
    def __init__(self, *, random_flag: bool = False, invalid: bool = False) -> None:
        self.calls: list[str] = []
        self.random_flag, self.invalid = random_flag, invalid

    def generate_trace_id(self) -> int:
        self.calls.append("trace")
        return 0 if self.invalid else len(self.calls)

    def generate_span_id(self) -> int:
        self.calls.append("span")
        return 0 if self.invalid else len(self.calls)

    def is_trace_id_random(self) -> bool:
        self.calls.append("random")
        return self.random_flag


@pytest.mark.parametrize("random_flag", [True, False])
@pytest.mark.parametrize("sampler", [ON, OFF], ids=["on", "off"])
def test_a_generator_is_asked_as_by_the_sdk(random_flag: bool, sampler: sampling.Sampler) -> None:
    def scenario(side: Side) -> Any:
        ids = Counting(random_flag=random_flag)
        tracer = side.tracer(id_generator=ids, sampler=sampler)
        with tracer.start_as_current_span("root") as root, tracer.start_as_current_span("child") as child:
            pass
        contexts = [span.get_span_context() for span in (root, child)]
        return ids.calls, [(context.trace_id, context.span_id, int(context.trace_flags)) for context in contexts]

    calls, _ = same(scenario).result
    assert calls.count("trace") == 1 and calls.count("span") == 2


def test_ids_that_are_no_ids_make_no_parent() -> None:
    def scenario(side: Side) -> Any:
        tracer = side.tracer(id_generator=Counting(invalid=True))
        with tracer.start_as_current_span("root") as root:
            child = tracer.start_span("child")
            child.end()
        return root.get_span_context().is_valid, child.parent

    assert same(scenario).result == (False, None)


def test_random_ids_are_random_flagged_valid_and_different() -> None:
    def scenario(side: Side) -> Any:
        tracer = side.tracer()
        contexts = [tracer.start_span("name").get_span_context() for _ in range(1_000)]
        ids = {context.trace_id for context in contexts}, {context.span_id for context in contexts}
        return [len(found) for found in ids], {(context.is_valid, int(context.trace_flags)) for context in contexts}

    flags = TraceFlags.SAMPLED | getattr(TraceFlags, "RANDOM_TRACE_ID", 0)  # which older APIs do not know
    assert same(scenario).result == ([1_000, 1_000], {(True, flags)})


def test_ids_do_not_follow_the_seed_of_random() -> None:
    """Difference: the SDK's ids come from `random`, so that processes seeded alike make the same ids."""

    def scenario(side: Side) -> Any:
        tracer = side.trace.TracerProvider(shutdown_on_exit=False).get_tracer("scope")
        seen = []
        state = random.getstate()
        for _ in range(2):
            random.seed(5)
            seen.append(tracer.start_span("name").get_span_context().trace_id)
        random.setstate(state)
        return seen[0] == seen[1]

    theirs, ours = both(scenario)
    assert theirs.result is True
    assert ours.result is False
