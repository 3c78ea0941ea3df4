"""Observability of language models on the application's provider: Langfuse's processor with a mask, OpenInference's tracer with its own."""

from collections.abc import Sequence

from langfuse import Langfuse
from langfuse._client.span_processor import LangfuseSpanProcessor
from openinference.instrumentation import OITracer, TraceConfig, using_attributes
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult


class Printing(SpanExporter):
    """Prints what it is given."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for span in sorted(spans, key=lambda span: span.name):
            attributes = sorted(dict(span.attributes or {}).items())
            events = [(event.name, sorted(dict(event.attributes or {}).items())) for event in span.events]
            print(span.name, span.kind, attributes, events, span.status.status_code, span.instrumentation_scope)
        return SpanExportResult.SUCCESS


def ask(tracer: OITracer) -> None:
    with (
        using_attributes(session_id="session", user_id="anna", metadata={"a": 1}),
        tracer.start_as_current_span("ask", openinference_span_kind="llm") as span,
    ):
        span.set_input("what is the password?")
        span.set_output({"answer": "secret"})
        span.set_attribute("llm.input_messages.0.message.content", "hidden")
        span.set_attribute("llm.model_name", "model")


def main() -> None:
    provider = trace.get_tracer_provider()
    provider.add_span_processor(
        LangfuseSpanProcessor(
            public_key="public",
            secret_key="secret",
            base_url="http://127.0.0.1:9",
            should_export_span=lambda span: span.name != "noise",
            span_exporter=Printing(),
        )
    )
    client = Langfuse(
        public_key="public",
        secret_key="secret",
        base_url="http://127.0.0.1:9",
        tracer_provider=provider,
        mask=lambda data, **_: str(data).replace("password", "***"),
        span_exporter=Printing(),
    )
    with client.start_as_current_observation(name="chat", as_type="generation", input="my password", model="m") as chat:
        chat.update(output="it is password", metadata={"b": [1, 2]})
        with client.start_as_current_observation(name="tool", as_type="tool"):
            trace.get_tracer("shop").start_span("noise").end()
            trace.get_tracer("shop").start_span("inner", attributes={"a": 1}).end()
    ask(OITracer(trace.get_tracer("openinference"), TraceConfig(hide_inputs=True)))

    @OITracer(trace.get_tracer("openinference"), TraceConfig()).chain
    def chained(number: int) -> int:
        return number * 2

    chained(4)
    provider.force_flush()


if __name__ == "__main__":
    main()
