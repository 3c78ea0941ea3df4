"""What plays of gRPC meet by chance, each by itself."""

import pytest

import spanwire
from spanwire.exporter.grpc import OTLPSpanExporter
from spanwire.sink import Disconnect, Sink, Stage
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor
from tests.books import since


@pytest.mark.parametrize("stage", ["headers", "body", "answer"])
@pytest.mark.parametrize("disconnect", ["goaway", "reset-stream"])
def test_request_that_breaks_off_without_an_error_code_is_sent_again(
    disconnect: Disconnect, stage: Stage, otlp_sink: Sink
) -> None:
    otlp_sink.inject(disconnect=disconnect, stage=stage, error_code=0)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=otlp_sink.grpc_endpoint)))
    before = spanwire.stats()["traces"].get(otlp_sink.grpc_endpoint, {})

    provider.get_tracer("tests").start_span("one").end()
    provider.force_flush()
    provider.shutdown()

    account = since(before, spanwire.stats()["traces"][otlp_sink.grpc_endpoint])
    assert (account["exported"], account["dropped"]) == (1, {})
