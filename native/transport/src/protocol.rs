//! The three protocols of OTLP.

/// How requests are written and carried.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Protocol {
    /// Protobuf in the body of a POST.
    #[default]
    HttpProtobuf,
    /// OTLP/JSON in the body of a POST.
    HttpJson,
    /// Protobuf in a unary call over HTTP/2.
    Grpc,
}

impl Protocol {
    /// The protocol of this name, as in `OTEL_EXPORTER_OTLP_PROTOCOL`: `http/protobuf`, `http/json` or `grpc`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "http/protobuf" => Some(Self::HttpProtobuf),
            "http/json" => Some(Self::HttpJson),
            "grpc" => Some(Self::Grpc),
            _ => None,
        }
    }
}
