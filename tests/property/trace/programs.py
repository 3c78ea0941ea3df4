"""What a program of tracer and span calls is: plain data that prints as the Python that makes it again.

A failing program can be pasted into a regression test as it was printed. Slots are numbers modulo what there is: span 7
of three spans is span 1, and a step that has nothing to work on does nothing, so that any part of a program is a program.
"""

from dataclasses import dataclass, field, fields
from typing import Any

from tests.property.trace.made import Make

__all__ = [
    "AddProcessor",
    "Attach",
    "Call",
    "Capture",
    "Copied",
    "Decorated",
    "Detach",
    "Enter",
    "Exit",
    "Forget",
    "Hold",
    "InThread",
    "Make",
    "Misuse",
    "Program",
    "Provider",
    "Read",
    "Resume",
    "RunIn",
    "Setup",
    "Start",
    "Step",
    "Suspend",
    "Tracing",
    "Use",
    "With",
]


class _Readable:
    """Prints only what differs from the defaults."""

    def __repr__(self) -> str:
        parts = []
        for one in fields(self):  # type: ignore[arg-type]
            value = getattr(self, one.name)
            default = one.default_factory() if callable(one.default_factory) else one.default
            if type(value) is not type(default) or repr(value) != repr(default):
                parts.append(f"{one.name}={value!r}")
        return f"{type(self).__name__}({', '.join(parts)})"


@dataclass(frozen=True, repr=False)
class Setup(_Readable):
    """The provider of a program."""

    limits: dict[str, int | None] | None = None  # SpanLimits' arguments
    sampler: Any = None  # a name, or a tuple of a name and arguments: samplers.py
    processors: tuple[str, ...] = ()  # names: processors.py
    concurrent: bool = False  # ConcurrentMultiSpanProcessor
    resource: dict[str, Any] | None = None
    scopes: tuple[tuple[Any, ...], ...] = (("scope",),)  # get_tracer's arguments, a tracer each
    ids: str = "counting"  # ids.py; or "own": each side's default generator, ids compared by their order of appearance
    disabled: bool = False  # a tracer configurator that disables all tracers


@dataclass(frozen=True, repr=False)
class Step(_Readable):
    """Something that a program does."""


@dataclass(frozen=True, repr=False)
class Tracing(_Readable):
    """Arguments of start_span and start_as_current_span. Those in ``arguments`` are given by name, or by position as far
    as ``positional`` says."""

    name: Any = "span"
    arguments: dict[str, Any] = field(default_factory=dict)  # context and links are described as in contexts.py
    positional: int = 0
    tracer: int = 0


@dataclass(frozen=True, repr=False)
class Start(Step):
    """start_span."""

    tracing: Tracing = Tracing()


@dataclass(frozen=True, repr=False)
class With(Step):
    """A ``with`` statement round ``body``, left by the exception called ``raises``.

    ``how``: "current" (start_as_current_span), "span" (with start_span()), "again" (with a span that exists), "use" (the API's
    use_span of a span that exists), "own use" (the side's use_span).
    """

    how: str = "current"
    tracing: Tracing = Tracing()
    span: int = 0
    options: dict[str, Any] = field(default_factory=dict)  # use_span's
    body: tuple[Step, ...] = ()
    raises: str | None = None


@dataclass(frozen=True, repr=False)
class Enter(Step):
    """``__enter__`` alone, of start_as_current_span or use_span."""

    how: str = "current"
    tracing: Tracing = Tracing()
    span: int = 0
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, repr=False)
class Exit(Step):
    """``__exit__`` of a scope that was entered by hand, in any order."""

    scope: int = 0
    raises: str | None = None


@dataclass(frozen=True, repr=False)
class Misuse(Step):
    """A scope is entered again ("entered again"), left again ("left again"), or left by an error without having been entered
    ("left first")."""

    how: str = "entered again"
    scope: int = 0


@dataclass(frozen=True, repr=False)
class Call(Step):
    """A method of a span."""

    span: int = 0
    method: str = "set_attribute"
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, repr=False)
class Read(Step):
    """Something read from a span: observe.READS has the names."""

    span: int = 0
    what: str = "attributes"


@dataclass(frozen=True, repr=False)
class Hold(Step):
    """Keeps what ``span.attributes`` gives; all that is kept is looked at again after every ``Hold`` and at the end."""

    span: int = 0


@dataclass(frozen=True, repr=False)
class Attach(Step):
    """The API's attach of a context."""

    context: Any = None


@dataclass(frozen=True, repr=False)
class Detach(Step):
    """The API's detach of a token."""

    token: int = 0


@dataclass(frozen=True, repr=False)
class Use(Step):
    """The API's use_span entered and left round nothing but a reading of the current span."""

    span: int = 0
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, repr=False)
class Copied(Step):
    """``body`` in a copy of the current context."""

    body: tuple[Step, ...] = ()


@dataclass(frozen=True, repr=False)
class Capture(Step):
    """Keeps a copy of the current context."""


@dataclass(frozen=True, repr=False)
class RunIn(Step):
    """``body`` in a context that was captured before."""

    captured: int = 0
    body: tuple[Step, ...] = ()


@dataclass(frozen=True, repr=False)
class InThread(Step):
    """``body`` in a thread that is waited for; ``captured``: in a copy of the context."""

    captured: bool = False
    body: tuple[Step, ...] = ()


@dataclass(frozen=True, repr=False)
class Decorated(Step):
    """A function decorated with start_as_current_span, called ``calls`` times. ``kind``: "function", "coroutine",
    "generator", "async generator", "recursive", "method"."""

    kind: str = "function"
    tracing: Tracing = Tracing()
    calls: int = 1
    body: tuple[Step, ...] = ()
    raises: str | None = None


@dataclass(frozen=True, repr=False)
class Suspend(Step):
    """A generator that is suspended inside a ``with`` statement, ``body`` done before."""

    tracing: Tracing = Tracing()
    body: tuple[Step, ...] = ()


@dataclass(frozen=True, repr=False)
class Resume(Step):
    """What is done to a suspended generator: "next", "close" or "throw"."""

    generator: int = 0
    how: str = "next"


@dataclass(frozen=True, repr=False)
class Forget(Step):
    """Gives up the slot of a span, and every reference to it that the run has."""

    span: int = 0


@dataclass(frozen=True, repr=False)
class AddProcessor(Step):
    """One more processor for the provider."""

    processor: str = "records"


@dataclass(frozen=True, repr=False)
class Provider(Step):
    """A method of the provider: "shutdown", "force_flush", "get_tracer", "resource", "tracer"."""

    what: str = "force_flush"


@dataclass(frozen=True, repr=False)
class Program(_Readable):
    """A whole program."""

    setup: Setup = Setup()
    steps: tuple[Step, ...] = ()

    def __repr__(self) -> str:
        lines = [f"Program(\n    setup={self.setup!r},\n    steps=("]
        lines += [f"        {step!r}," for step in self.steps]
        return "\n".join([*lines, "    ),\n)"])
