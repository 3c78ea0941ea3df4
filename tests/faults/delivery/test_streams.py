"""What plays of gRPC leave out."""

import pytest

import spanwire
from spanwire.exporter.grpc import OTLPSpanExporter
from spanwire.sink import Disconnect, Sink
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor
from tests.books import since


@pytest.mark.xfail(
    strict=False, reason="hyper ends such an answer as if it were whole, so it counts as one without a status"
)
@pytest.mark.parametrize("disconnect", ["goaway", "reset-stream"])
def test_request_whose_answer_breaks_off_without_an_error_code_is_sent_again(
    disconnect: Disconnect, otlp_sink: Sink
) -> None:
    otlp_sink.inject(disconnect=disconnect, stage="answer", error_code=0)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=otlp_sink.grpc_endpoint)))
    before = spanwire.stats()["traces"].get(otlp_sink.grpc_endpoint, {})

    provider.get_tracer("tests").start_span("one").end()
    provider.force_flush()
    provider.shutdown()

    account = since(before, spanwire.stats()["traces"][otlp_sink.grpc_endpoint])
    assert (account["exported"], account["dropped"]) == (1, {})
