"""Settings of the receiver for tests; it reads no variables."""

from spanwire._settings._setting import Setting, rows

__all__ = ["SINK"]

_sink = rows("sink", "spanwire.sink.Sink")
_tls = rows("sink's certificate", "spanwire.sink.TLS")
_fault = rows("sink's faults", "spanwire.sink.Fault")

SINK: tuple[Setting, ...] = (
    _sink("host", "", "127.0.0.1", "name or address to listen on, IPv4 or IPv6"),
    _sink("port", "", "0", "of HTTP and gRPC; 0: the system chooses a free one"),
    _sink("max_bytes", "", "67108864", "of requests kept in memory; over it the oldest are forgotten", unit="bytes"),
    _sink("max_request_bytes", "", "67108864", "of a request's body, on the wire and decompressed", unit="bytes"),
    _sink("max_connections", "", "1024", "at once; further ones wait", unit="connections"),
    _sink("header_timeout", "", "60.0", "for a request's headers to come", unit="seconds"),
    _sink("body_timeout", "", "30.0", "for a request's body to come", unit="seconds"),
    _sink("grpc_port", "", "", "for gRPC alone, besides; 0: the system chooses a free one"),
    _sink("unix_path", "", "", "a Unix socket to listen on besides, for HTTP and gRPC"),
    _sink(
        "stream_window", "", "1048576", "that an HTTP/2 client may send of a request at first; 0: none", unit="bytes"
    ),
    _sink("tls", "", "", "serve https with this certificate"),
    _tls("certificate", "", "", "PEM, with its intermediates: a path, or bytes; to be given"),
    _tls("key", "", "", "its private key, likewise; to be given", is_secret=True),
    _tls("client_ca", "", "", "clients must show a certificate that one of these has signed"),
    _fault("status", "", "", "HTTP status of the answer, 200 to 599"),
    _fault("delay", "", "0.0", "before the answer", unit="seconds"),
    _fault("retry_after", "", "", "the Retry-After header, or a time that is sent as a date", unit="seconds"),
    _fault("disconnect", "", "", "instead of a whole answer: see [the sink's page](sink.md)"),
    _fault("body", "", "", "these bytes as the answer's body"),
    _fault("body_size", "", "", "the answer's body is filled up to it", unit="bytes"),
    _fault("chunk_size", "", "", "the answer's body comes in pieces of it", unit="bytes"),
    _fault("chunk_delay", "", "0.0", "before each piece", unit="seconds"),
    _fault("rejected", "", "0", "reported as rejected: a partial success", unit="spans"),
    _fault("message", "", "", "of the partial success or the status"),
    _fault("keep", "", "what the answer says", "whether the request counts as received"),
    _fault("stage", "", "body", "when the disconnect happens: connect, headers, body, answer"),
    _fault("error_code", "", "0 in a GOAWAY, 2 in an RST_STREAM", "of HTTP/2, in that frame"),
    _fault("grpc_status", "", "", "of gRPC, in an answer that is trailers only"),
    _fault("retry_delay", "", "", "in a RetryInfo beside that status", unit="seconds"),
    _fault("content_type", "", "", "of the answer"),
)
