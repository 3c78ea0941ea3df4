"""Processors of others on the provider: baggage, Sentry's with its propagator, Logfire's wrappers, and those of blogs and manuals."""

import json
from collections.abc import Sequence

import logfire
import sentry_sdk
from logfire._internal.exporters.processor_wrapper import MainSpanProcessorWrapper
from logfire._internal.scrubbing import Scrubber
from logfire._internal.tracer import PendingSpanProcessor
from opentelemetry import baggage, context, trace
from opentelemetry.processor.baggage import BaggageSpanProcessor
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from sentry_sdk.integrations.opentelemetry import SentryPropagator, SentrySpanProcessor

START = 1_764_000_000_000_000_000


class Printing(SpanExporter):
    """Prints what it is given."""

    def __init__(self, name: str) -> None:
        self.name = name

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for span in spans:
            told = json.loads(span.to_json())
            traces = [event["attributes"].pop("exception.stacktrace", "") for event in told["events"]]
            print(self.name, json.dumps(told, sort_keys=True))
            print("\n".join(traces))
        return SpanExportResult.SUCCESS


class Enriching(SpanProcessor):
    """As Azure Monitor's manual shows it."""

    def on_end(self, span: ReadableSpan) -> None:
        span._name = f"Updated-{span.name}"
        if span._attributes is not None:
            span._attributes = {**span._attributes, "CustomDimension1": "Value1"}


class Filtering(SpanProcessor):
    """Likewise: what is internal is not exported."""

    def on_start(self, span: trace.Span, parent_context: context.Context | None = None) -> None:
        if span._kind is trace.SpanKind.CONSUMER:
            span._context = trace.SpanContext(
                span.context.trace_id,
                span.context.span_id,
                span.context.is_remote,
                trace.TraceFlags(trace.TraceFlags.DEFAULT),
                span.context.trace_state,
            )


class Serving(SpanProcessor):
    """As hooks for Application Insights make a request of a span."""

    def on_start(self, span: trace.Span, parent_context: context.Context | None = None) -> None:
        if span.name == "request":
            span._kind = trace.SpanKind.SERVER


def shop(tracer: trace.Tracer) -> None:
    token = context.attach(baggage.set_baggage("tenant", "anna"))
    with tracer.start_as_current_span("request", attributes={"http.method": "GET", "password": "secret"}) as request:
        carrier: dict[str, str] = {}
        SentryPropagator().inject(carrier)
        print(sorted(carrier))
        with tracer.start_as_current_span("query", kind=trace.SpanKind.CLIENT) as query:
            query.set_attribute("db.system", "postgresql")
            query.set_attribute("db.statement", "SELECT 1")
            query.add_event("api_key", {"api_key": "abc", "fine": "yes"})
        with tracer.start_as_current_span("consumed", kind=trace.SpanKind.CONSUMER):
            tracer.start_span("below").end()
        try:
            with tracer.start_as_current_span("failing"):
                raise KeyError("credit_card")
        except KeyError:
            sentry_sdk.capture_exception()
        request.set_status(trace.StatusCode.ERROR, "session lost")
    context.detach(token)
    extracted = SentryPropagator().extract({"sentry-trace": f"{'a' * 32}-{'b' * 16}-1"})
    with tracer.start_as_current_span("continued", context=extracted, kind=trace.SpanKind.SERVER):
        pass


class Transport(sentry_sdk.transport.Transport):
    """Prints events instead of sending them."""

    def capture_envelope(self, envelope: sentry_sdk.envelope.Envelope) -> None:
        for item in envelope.items:
            event = item.payload.json or {}
            spans = [
                {key: value for key, value in span.items() if key in {"op", "description", "status", "data", "origin"}}
                for span in event.get("spans", [])
            ]
            for data in (event.get("contexts", {}).get("trace", {}).get("data", {}), *(one["data"] for one in spans)):
                data.pop("thread.id", None)
            kept = {key: event.get(key) for key in ("type", "transaction", "transaction_info", "tags", "level")}
            trace_of = event.get("contexts", {}).get("trace", {})
            kept["trace"] = {
                key: trace_of.get(key) for key in ("op", "status", "trace_id", "span_id", "data", "origin")
            }
            kept["otel"] = event.get("contexts", {}).get("otel")
            print("sentry", item.type, json.dumps([kept, spans], sort_keys=True, default=str))


def main() -> None:
    logfire.configure(send_to_logfire=False, console=False, local=True)
    sentry_sdk.init(
        "http://key@127.0.0.1:9/1",
        instrumenter="otel",
        traces_sample_rate=1.0,
        transport=Transport,
        default_integrations=False,
        auto_enabling_integrations=False,
    )
    provider = trace.get_tracer_provider()
    provider.add_span_processor(BaggageSpanProcessor(lambda key: key == "tenant"))
    provider.add_span_processor(Filtering())
    provider.add_span_processor(Serving())
    provider.add_span_processor(SentrySpanProcessor())
    logfires = SimpleSpanProcessor(Printing("logfire"))
    provider.add_span_processor(MainSpanProcessorWrapper(logfires, Scrubber(None)))
    provider.add_span_processor(PendingSpanProcessor(RandomIdGenerator(), SimpleSpanProcessor(Printing("pending"))))
    provider.add_span_processor(Enriching())
    provider.add_span_processor(BatchSpanProcessor(Printing("batch")))
    shop(trace.get_tracer("shop"))
    provider.force_flush()
    sentry_sdk.flush()


if __name__ == "__main__":
    main()
