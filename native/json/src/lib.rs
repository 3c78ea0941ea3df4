//! OTLP/JSON, both ways, on wire's readers and writers.
