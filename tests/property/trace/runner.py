"""Runs a program on a side and says what happened, as lines (observe.py).

Each run has a context of its own, fresh values and a provider of its own; log records and Python warnings appear among the lines
where they were given.
"""

import contextvars
import logging
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from opentelemetry import context as context_api
from opentelemetry import trace as trace_api
from opentelemetry.trace import SpanKind, Status, StatusCode

from tests.property.trace import programs as p
from tests.property.trace.contexts import build_context, build_links, build_span_context
from tests.property.trace.decorated import call_decorated
from tests.property.trace.differences import encodable
from tests.property.trace.frames import describe_requests
from tests.property.trace.ids import build_ids
from tests.property.trace.made import make
from tests.property.trace.observe import Record
from tests.property.trace.processors import build_processor
from tests.property.trace.raised import raised
from tests.property.trace.reads import read
from tests.property.trace.samplers import build_sampler
from tests.property.trace.sides import Side

__all__ = ["run"]

_ORDER = (
    "context",
    "kind",
    "attributes",
    "links",
    "start_time",
    "record_exception",
    "set_status_on_exception",
    "end_on_exit",
)
_DEFAULTS = {"kind": SpanKind.INTERNAL, "record_exception": True, "set_status_on_exception": True, "end_on_exit": True}


def run(program: p.Program, side: Side) -> list[str]:
    """What happened when ``side`` ran ``program``."""
    record = Record()
    with side.broken(), _heard(record):
        contextvars.Context().run(_Run(program, side, record).all)
    return record.lines


@contextmanager
def _heard(record: Record) -> Iterator[None]:
    """Log records and warnings as lines of the record."""

    class Handler(logging.Handler):
        def emit(self, entry: logging.LogRecord) -> None:
            error = f" {record.error(entry.exc_info[1])}" if entry.exc_info and entry.exc_info[1] else ""
            try:
                text = record.text(entry.getMessage())
            except Exception as failed:
                text = f"cannot be formatted: {type(failed).__name__}"
            record.lines.append(f"log {entry.name} {entry.levelname} {text!r}{error}")

    logger = logging.getLogger("opentelemetry")
    handler, level, propagate = Handler(), logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = lambda message, category, *_, **__: record.note(
                "warning", category.__name__, str(message)
            )
            yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate


class _Run:
    def __init__(self, program: p.Program, side: Side, record: Record) -> None:
        self.program, self.side, self.record = program, side, record
        self.spans: list[Any] = []
        self._scopes: list[Any] = []
        self._left: list[Any] = []
        self._tokens: list[Any] = []
        self._captured: list[contextvars.Context] = []
        self._generators: list[Any] = []
        self._held: list[Any] = []

    def all(self) -> None:
        self._set_up()
        self.body(self.program.steps)
        self._finish()

    def _set_up(self) -> None:
        setup, trace, record = self.program.setup, self.side.trace, self.record
        arguments: dict[str, Any] = {"shutdown_on_exit": False}
        if setup.sampler is not None:
            arguments["sampler"] = build_sampler(setup.sampler, self.side.sampling, record)
        if setup.limits is not None:
            arguments["span_limits"] = trace.SpanLimits(**setup.limits)
        if setup.resource is not None:
            arguments["resource"] = self.side.resources.Resource(make(setup.resource))
        if setup.ids != "own":
            arguments["id_generator"] = build_ids(setup.ids, self.side.id_generator.IdGenerator)
        if setup.concurrent:
            arguments["active_span_processor"] = trace.ConcurrentMultiSpanProcessor(1)
        if setup.disabled:
            arguments["_tracer_configurator"] = trace._disable_tracer_configurator
        self._provider = trace.TracerProvider(**arguments)
        for name in setup.processors:
            self._add_processor(name)
        self._tap = self.side.tap()
        self._provider.add_span_processor(self._tap.processor)
        self._tracers = [self._provider.get_tracer(*make(scope)) for scope in setup.scopes]

    def _finish(self) -> None:
        record = self.record
        for generator in self._generators:
            record.note("generator left", record.outcome(generator.close))
        while self._scopes:
            record.note("scope left", record.outcome(lambda: self._scopes.pop().__exit__(None, None, None)))
        self.look_at_held()
        for span in self.spans:
            record.note("in the end", span)
            record.lines.append(record.snapshot(span))
        record.note("shutdown", record.outcome(self._provider.shutdown))
        record.lines += [f"frame {line}" for line in describe_requests(record, self._tap.requests())]
        if self.program.setup.concurrent:
            self._provider._active_span_processor._executor.shutdown()

    # --- steps

    def body(self, steps: tuple[p.Step, ...], path: str = "") -> None:
        """Does the steps; whatever they raise is what happened."""
        for number, step in enumerate(steps):
            here = f"{path}{number}"
            try:
                happened = _STEPS[type(step)](self, step, here)
            except BaseException as error:
                happened = f"raised {self.record.error(error)}"
            self.record.lines.append(f"[{here}] {type(step).__name__} -> {happened}; current {self.current()}")

    def current(self) -> str:
        """The current span, by the API and by the side's own function."""
        by_api, by_side = trace_api.get_current_span(), self.side.get_current_span()
        return self.record.describe(by_api) if by_api is by_side else f"{self.record.describe(by_api)} but {by_side}"

    def start(self, step: p.Start, here: str) -> str:
        span = self._call("start_span", step.tracing)
        return self.begun(span)

    def begun(self, span: Any) -> str:
        """A new span has its slot and number."""
        self.spans.append(span)
        self.record.know(span)
        return self.record.describe(span)

    def within(self, step: p.With, here: str) -> str:
        try:
            with self._scope(step.how, step.tracing, step.span, step.options) as span:
                begun = self.begun(span) if step.how in {"current", "span"} else self.record.describe(span)
                self.record.lines.append(f"[{here}] in with {begun}; current {self.current()}")
                self.body(step.body, f"{here}.")
                if step.raises is not None:
                    error = raised(step.raises)
                    raise error
        except BaseException as left:
            same = "the same" if step.raises is not None and "error" in locals() and left is error else "another"
            return f"left by {same} {self.record.error(left)}, cause {left.__cause__ is None}"
        return "left"

    def enter(self, step: p.Enter, here: str) -> str:
        scope = self._scope(step.how, step.tracing, step.span, step.options)
        span = scope.__enter__()
        self._scopes.append(scope)
        return self.begun(span) if step.how in {"current", "span"} else self.record.describe(span)

    def exit(self, step: p.Exit, here: str) -> str:
        if not self._scopes:
            return "no scope"
        scope = self._scopes.pop(step.scope % len(self._scopes))
        if not hasattr(scope, "is_recording"):
            self._left.append(scope)
        if step.raises is None:
            return self.record.describe(scope.__exit__(None, None, None))
        error = raised(step.raises)
        return self.record.describe(scope.__exit__(type(error), error, error.__traceback__))

    def misuse(self, step: p.Misuse, here: str) -> str:
        """What a context manager is not for: nothing else may come of it."""
        if step.how == "left first":
            error = raised("ValueError")
            scope = self._scope("current", p.Tracing(), 0, {})
            return self.record.describe(scope.__exit__(type(error), error, error.__traceback__))
        if step.how == "left again":
            if not self._left:
                return "no scope"
            scope = self._left[step.scope % len(self._left)]
            return self.record.describe(scope.__exit__(None, None, None))
        if not self._scopes:
            return "no scope"
        return self.record.describe(self._scopes[step.scope % len(self._scopes)].__enter__())

    def call(self, step: p.Call, here: str) -> str:
        span = self.slot(step.span)
        if span is None:
            return "no span"
        args = tuple(self._argument(step.method, item) for item in step.args)
        if step.method == "end":
            args = tuple(self.side.given("end_time", item) for item in args)
        kwargs = {name: self.side.given(name, self._argument(step.method, item)) for name, item in step.kwargs.items()}
        return f"{step.method} {self.record.outcome(lambda: getattr(span, step.method)(*args, **kwargs))}"

    def _argument(self, method: str, value: Any) -> Any:
        """Statuses, exceptions and span contexts are described in programs."""
        match method, value:
            case "set_status", ("Status", *arguments):
                return Status(*[_status_code(item) for item in arguments])
            case "set_status", ("code", name):
                return StatusCode[name]
            case "record_exception", ("exception", name):
                return raised(name)
            case "add_link", ("context", described):
                return build_span_context(described, self.spans)
        return make(value)

    def read(self, step: p.Read, here: str) -> str:
        span = self.slot(step.span)
        if span is None:
            return "no span"
        return f"{step.what} {self.record.outcome(lambda: read(step.what, span, self.side, self.record))}"

    def hold(self, step: p.Hold, here: str) -> str:
        span = self.slot(step.span)
        if span is None:
            return "no span"
        attributes = span.attributes
        held = not attributes or any(encodable(key) and encodable(value) for key, value in attributes.items())
        self._held.append(attributes if held else MappingProxyType({}))
        self.look_at_held()
        return "held"

    def look_at_held(self) -> None:
        """Mappings that were read before show what the span has now, unless they were empty."""
        for number, mapping in enumerate(self._held):
            self.record.note(f"held {number}", mapping)

    def attach(self, step: p.Attach, here: str) -> str:
        self._tokens.append(context_api.attach(build_context(step.context, self.spans)))
        return "attached"

    def detach(self, step: p.Detach, here: str) -> str:
        if not self._tokens:
            return "no token"
        context_api.detach(self._tokens.pop(step.token % len(self._tokens)))
        return "detached"

    def use(self, step: p.Use, here: str) -> str:
        span = self.slot(step.span)
        if span is None:
            return "no span"
        with trace_api.use_span(span, **step.options) as used:
            return f"used {self.record.describe(used)}; current {self.current()}"

    def copied(self, step: p.Copied, here: str) -> str:
        contextvars.copy_context().run(self.body, step.body, f"{here}.")
        return "copied"

    def capture(self, step: p.Capture, here: str) -> str:
        self._captured.append(contextvars.copy_context())
        return "captured"

    def run_in(self, step: p.RunIn, here: str) -> str:
        if not self._captured:
            return "no context"
        context = self._captured[step.captured % len(self._captured)]
        context.run(self.body, step.body, f"{here}.")
        return "ran"

    def in_thread(self, step: p.InThread, here: str) -> str:
        work: Callable[..., Any] = self.body
        arguments: tuple[Any, ...] = (step.body, f"{here}.")
        if step.captured:
            work, arguments = contextvars.copy_context().run, (self.body, *arguments)
        thread = threading.Thread(target=work, args=arguments)
        thread.start()
        thread.join()
        return "joined"

    def decorated(self, step: p.Decorated, here: str) -> str:
        def body(call: str) -> None:
            span = trace_api.get_current_span()
            self.record.lines.append(f"[{here}] {call} in {self.begun(span)}")
            self.body(step.body, f"{here}.")
            if step.raises is not None:
                raise raised(step.raises)

        tracing = step.tracing
        if links := tracing.arguments.get("links"):
            bare = [link if link is None or link == "tuple" else (link[0], {}) for link in links]
            tracing = replace(tracing, arguments={**tracing.arguments, "links": bare})
        scope = self._call("start_as_current_span", tracing)
        return call_decorated(step.kind, scope, body, step.calls, self.record, self.current)

    def suspend(self, step: p.Suspend, here: str) -> str:
        def suspended() -> Iterator[int]:
            with self._call("start_as_current_span", step.tracing) as span:
                self.begun(span)
                self.body(step.body, f"{here}.")
                yield 1
                self.record.lines.append(f"[{here}] resumed; current {self.current()}")
                yield 2

        generator = suspended()
        self._generators.append(generator)
        return self.record.describe(next(generator))

    def resume(self, step: p.Resume, here: str) -> str:
        if not self._generators:
            return "no generator"
        generator = self._generators[step.generator % len(self._generators)]
        if step.how == "next":
            return f"next {next(generator)}"
        if step.how == "throw":
            return f"threw {generator.throw(raised('ValueError'))}"
        return f"close {generator.close()}"

    def forget(self, step: p.Forget, here: str) -> str:
        if not self.spans:
            return "no span"
        self.record.forget(self.spans.pop(step.span % len(self.spans)))
        return "forgotten"

    def add_processor(self, step: p.AddProcessor, here: str) -> str:
        self._add_processor(step.processor)
        return "added"

    def _add_processor(self, name: str) -> None:
        # With one thread, a hook that ends a span waits for ever for the hooks of the end; and after one that raised, the
        # others run at some time.
        if self.program.setup.concurrent and name.startswith(("ends", "raises")):
            name = "plain"
        self._provider.add_span_processor(build_processor(name, self.side.trace, self.record))

    def provider(self, step: p.Provider, here: str) -> str:
        provider, record = self._provider, self.record
        match step.what:
            case "shutdown":
                return record.describe(provider.shutdown())
            case "force_flush":
                return record.describe(provider.force_flush(60_000))
            case "resource":
                return record.describe(dict(provider.resource.attributes))
            case "get_tracer":
                again = [provider.get_tracer(*make(scope)) for scope in self.program.setup.scopes]
                return record.describe([one is two for one, two in zip(again, self._tracers, strict=True)])
            case "tracer":
                tracer = self._tracers[0]
                kinds = (trace_api.Tracer, self.side.trace.Tracer, trace_api.NoOpTracer)
                return record.describe([*[isinstance(tracer, kind) for kind in kinds], tracer._instrumentation_scope])
        raise AssertionError(step.what)

    # --- helpers

    def slot(self, number: int) -> Any:
        """A span, if there is one."""
        return self.spans[number % len(self.spans)] if self.spans else None

    def _scope(self, how: str, tracing: p.Tracing, slot: int, options: dict[str, Any]) -> Any:
        if how == "current":
            return self._call("start_as_current_span", tracing)
        if how == "span":
            return self._call("start_span", tracing)
        span = self.slot(slot)
        span = trace_api.INVALID_SPAN if span is None else span
        if how == "again":
            return span
        use_span: Any = trace_api.use_span if how == "use" else self.side.use_span
        return use_span(span, **options)

    def _call(self, method: str, tracing: p.Tracing) -> Any:
        """A tracer's method with arguments by position and by name."""
        given = {name: self._tracing_argument(name, value) for name, value in tracing.arguments.items()}
        positional = [make(tracing.name)]
        for name in _ORDER[: max(tracing.positional, 0)]:
            positional.append(given.pop(name) if name in given else _DEFAULTS.get(name))
        if tracing.positional == -1:
            given["name"] = positional.pop()
        elif tracing.positional == -2:
            positional.clear()
        if method == "start_span":
            given.pop("end_on_exit", None)
            del positional[8:]
        return getattr(self._tracers[tracing.tracer % len(self._tracers)], method)(*positional, **given)

    def _tracing_argument(self, name: str, value: Any) -> Any:
        match name:
            case "context":
                return build_context(value, self.spans)
            case "kind":
                return self.side.given(name, SpanKind.__members__.get(value, value))
            case "links":
                return build_links(value, self.spans)
        return self.side.given(name, make(value))


def _status_code(value: Any) -> Any:
    return StatusCode[value] if isinstance(value, str) and value in StatusCode.__members__ else make(value)


_STEPS: dict[type[p.Step], Callable[[_Run, Any, str], str]] = {
    p.Start: _Run.start,
    p.With: _Run.within,
    p.Enter: _Run.enter,
    p.Exit: _Run.exit,
    p.Misuse: _Run.misuse,
    p.Call: _Run.call,
    p.Read: _Run.read,
    p.Hold: _Run.hold,
    p.Attach: _Run.attach,
    p.Detach: _Run.detach,
    p.Use: _Run.use,
    p.Copied: _Run.copied,
    p.Capture: _Run.capture,
    p.RunIn: _Run.run_in,
    p.InThread: _Run.in_thread,
    p.Decorated: _Run.decorated,
    p.Suspend: _Run.suspend,
    p.Resume: _Run.resume,
    p.Forget: _Run.forget,
    p.AddProcessor: _Run.add_processor,
    p.Provider: _Run.provider,
}
