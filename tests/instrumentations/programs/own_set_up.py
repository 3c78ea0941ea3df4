"""The program that sets tracing up itself, after its libraries were instrumented and asked for their tracers: the shop in Flask.

It is the one program that knows of two sides: the SDK is set up as its documentation says, ours by ``spanwire.install()``.
"""

import os

import flask_app
from opentelemetry import trace

early = trace.get_tracer("early", "0.1")


def set_up() -> None:
    if os.environ["OTEL_PYTHON_DISTRO"] == "spanwire":
        import spanwire

        spanwire.install()
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


@early.start_as_current_span("decorated", attributes={"a": 1})
def decorated() -> bool:
    return trace.get_current_span().is_recording()


def main() -> None:
    with early.start_as_current_span("before") as span:
        print(span.is_recording(), decorated())
    set_up()
    with early.start_as_current_span("after") as span:
        print(span.is_recording(), decorated())
    flask_app.main()


if __name__ == "__main__":
    main()
