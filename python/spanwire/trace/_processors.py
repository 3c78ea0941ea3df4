"""The list of a provider's processors, which also tells native code whom to call."""

from opentelemetry.sdk import trace as sdk

from spanwire._facade.tracing import Plan

__all__ = ["SynchronousMultiSpanProcessor"]


class SynchronousMultiSpanProcessor(sdk.SynchronousMultiSpanProcessor):
    """Forwards to processors in the order in which they were added.

    A span of ours does not call it: it follows ``plan``, where hooks that a processor has not overridden are left out.
    """

    plan: Plan

    def __init__(self) -> None:
        self.plan = Plan()
        super().__init__()  # type: ignore[no-untyped-call]  # the SDK's has no types

    # The SDK has an attribute here that libraries read and replace.
    @property
    def _span_processors(self) -> tuple[sdk.SpanProcessor, ...]:
        return self.plan.span_processors

    @_span_processors.setter
    def _span_processors(self, processors: tuple[sdk.SpanProcessor, ...]) -> None:
        self.plan.set_processors(processors)
