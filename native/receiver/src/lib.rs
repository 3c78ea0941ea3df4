//! OTLP server: the sink today, the collector's entrance later.
