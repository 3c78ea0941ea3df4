from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, TypeVar, final

from opentelemetry import trace as api
from opentelemetry.context.context import Context
from opentelemetry.sdk import trace as sdk

_F = TypeVar("_F", bound=Callable[..., Any])

# To a type checker these are the classes that isinstance() takes them for.
@final
class Span(sdk.Span):
    def __copy__(self) -> ReadableSpan: ...

@final
class ReadableSpan(sdk.ReadableSpan):
    def __copy__(self) -> ReadableSpan: ...
    def __deepcopy__(self, memo: dict[int, Any]) -> sdk.ReadableSpan: ...

@final
class Scope:
    def __enter__(self) -> api.Span: ...
    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> bool: ...
    def __call__(self, function: _F) -> _F: ...
    def _recreate_cm(self) -> Scope: ...

@final
class Plan:
    @property
    def span_processors(self) -> tuple[sdk.SpanProcessor, ...]: ...
    def set_processors(self, processors: Sequence[sdk.SpanProcessor]) -> None: ...

@final
class Tracer(sdk.Tracer):
    def __init__(self, sdk_tracer: sdk.Tracer, plan: Plan) -> None: ...
    def refresh(self) -> None: ...

def get_current_span(context: Context | None = None) -> api.Span: ...
def use_span(
    span: api.Span,
    end_on_exit: bool = False,
    record_exception: bool = True,
    set_status_on_exception: bool = True,
) -> Scope: ...
