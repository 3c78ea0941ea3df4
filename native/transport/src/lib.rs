//! OTLP clients: HTTP, TLS, compression, retry.
