//! Wire types, and the tags (field number × 8 + wire type) of OTLP's trace messages, opentelemetry-proto 1.11.

/// How a field's payload is delimited.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(u8)]
pub enum WireType {
    /// A varint.
    Varint = 0,
    /// Eight bytes.
    Fixed64 = 1,
    /// A length and as many bytes.
    Len = 2,
    /// Start of a group (only in unknown fields).
    StartGroup = 3,
    /// End of a group (only in unknown fields).
    EndGroup = 4,
    /// Four bytes.
    Fixed32 = 5,
}

/// The first byte of a tag whose field number is below 16.
const fn tag(field: u8, wire_type: WireType) -> u8 {
    assert!(field < 16);
    field << 3 | wire_type as u8
}

/// `ExportTraceServiceRequest` (and `TracesData`, which is the same on the wire).
pub mod request {
    use super::{WireType, tag};

    /// `ResourceSpans`, repeated.
    pub const RESOURCE_SPANS: u8 = tag(1, WireType::Len);
}

/// `ResourceSpans`.
pub mod resource_spans {
    use super::{WireType, tag};

    /// `Resource`.
    pub const RESOURCE: u8 = tag(1, WireType::Len);
    /// `ScopeSpans`, repeated.
    pub const SCOPE_SPANS: u8 = tag(2, WireType::Len);
    /// string.
    pub const SCHEMA_URL: u8 = tag(3, WireType::Len);
}

/// `ScopeSpans`.
pub mod scope_spans {
    use super::{WireType, tag};

    /// `InstrumentationScope`.
    pub const SCOPE: u8 = tag(1, WireType::Len);
    /// `Span`, repeated.
    pub const SPANS: u8 = tag(2, WireType::Len);
    /// string.
    pub const SCHEMA_URL: u8 = tag(3, WireType::Len);
}

/// `Resource`.
pub mod resource {
    use super::{WireType, tag};

    /// `KeyValue`, repeated.
    pub const ATTRIBUTES: u8 = tag(1, WireType::Len);
    /// uint32.
    pub const DROPPED_ATTRIBUTES_COUNT: u8 = tag(2, WireType::Varint);
}

/// `InstrumentationScope`.
pub mod scope {
    use super::{WireType, tag};

    /// string.
    pub const NAME: u8 = tag(1, WireType::Len);
    /// string.
    pub const VERSION: u8 = tag(2, WireType::Len);
    /// `KeyValue`, repeated.
    pub const ATTRIBUTES: u8 = tag(3, WireType::Len);
    /// uint32.
    pub const DROPPED_ATTRIBUTES_COUNT: u8 = tag(4, WireType::Varint);
}

/// `Span`.
pub mod span {
    use super::{WireType, tag};

    /// 16 bytes.
    pub const TRACE_ID: u8 = tag(1, WireType::Len);
    /// 8 bytes.
    pub const SPAN_ID: u8 = tag(2, WireType::Len);
    /// string, the W3C header's form.
    pub const TRACE_STATE: u8 = tag(3, WireType::Len);
    /// 8 bytes, or absent.
    pub const PARENT_SPAN_ID: u8 = tag(4, WireType::Len);
    /// string.
    pub const NAME: u8 = tag(5, WireType::Len);
    /// enum `SpanKind`.
    pub const KIND: u8 = tag(6, WireType::Varint);
    /// fixed64, nanoseconds since the Unix epoch.
    pub const START_TIME_UNIX_NANO: u8 = tag(7, WireType::Fixed64);
    /// fixed64, nanoseconds since the Unix epoch.
    pub const END_TIME_UNIX_NANO: u8 = tag(8, WireType::Fixed64);
    /// `KeyValue`, repeated.
    pub const ATTRIBUTES: u8 = tag(9, WireType::Len);
    /// uint32.
    pub const DROPPED_ATTRIBUTES_COUNT: u8 = tag(10, WireType::Varint);
    /// `Event`, repeated.
    pub const EVENTS: u8 = tag(11, WireType::Len);
    /// uint32.
    pub const DROPPED_EVENTS_COUNT: u8 = tag(12, WireType::Varint);
    /// `Link`, repeated.
    pub const LINKS: u8 = tag(13, WireType::Len);
    /// uint32.
    pub const DROPPED_LINKS_COUNT: u8 = tag(14, WireType::Varint);
    /// `Status`.
    pub const STATUS: u8 = tag(15, WireType::Len);
    /// fixed32; the only tag of two bytes.
    pub const FLAGS: u16 = 16 << 3 | WireType::Fixed32 as u16;
}

/// `Span.Event`.
pub mod event {
    use super::{WireType, tag};

    /// fixed64, nanoseconds since the Unix epoch.
    pub const TIME_UNIX_NANO: u8 = tag(1, WireType::Fixed64);
    /// string.
    pub const NAME: u8 = tag(2, WireType::Len);
    /// `KeyValue`, repeated.
    pub const ATTRIBUTES: u8 = tag(3, WireType::Len);
    /// uint32.
    pub const DROPPED_ATTRIBUTES_COUNT: u8 = tag(4, WireType::Varint);
}

/// `Span.Link`.
pub mod link {
    use super::{WireType, tag};

    /// 16 bytes.
    pub const TRACE_ID: u8 = tag(1, WireType::Len);
    /// 8 bytes.
    pub const SPAN_ID: u8 = tag(2, WireType::Len);
    /// string, the W3C header's form.
    pub const TRACE_STATE: u8 = tag(3, WireType::Len);
    /// `KeyValue`, repeated.
    pub const ATTRIBUTES: u8 = tag(4, WireType::Len);
    /// uint32.
    pub const DROPPED_ATTRIBUTES_COUNT: u8 = tag(5, WireType::Varint);
    /// fixed32.
    pub const FLAGS: u8 = tag(6, WireType::Fixed32);
}

/// `Status`.
pub mod status {
    use super::{WireType, tag};

    /// string.
    pub const MESSAGE: u8 = tag(2, WireType::Len);
    /// enum `StatusCode`.
    pub const CODE: u8 = tag(3, WireType::Varint);
}

/// `KeyValue`.
pub mod key_value {
    use super::{WireType, tag};

    /// string.
    pub const KEY: u8 = tag(1, WireType::Len);
    /// `AnyValue`.
    pub const VALUE: u8 = tag(2, WireType::Len);
}

/// `AnyValue`: one of.
pub mod any_value {
    use super::{WireType, tag};

    /// string.
    pub const STRING: u8 = tag(1, WireType::Len);
    /// bool.
    pub const BOOL: u8 = tag(2, WireType::Varint);
    /// int64.
    pub const INT: u8 = tag(3, WireType::Varint);
    /// double.
    pub const DOUBLE: u8 = tag(4, WireType::Fixed64);
    /// `ArrayValue`.
    pub const ARRAY: u8 = tag(5, WireType::Len);
    /// `KeyValueList`.
    pub const KEY_VALUE_LIST: u8 = tag(6, WireType::Len);
    /// bytes.
    pub const BYTES: u8 = tag(7, WireType::Len);
}

/// `ArrayValue` and `KeyValueList`: both have one repeated field.
pub mod list {
    use super::{WireType, tag};

    /// `AnyValue` or `KeyValue`, repeated.
    pub const VALUES: u8 = tag(1, WireType::Len);
}

/// Bits of `Span.flags` and `Link.flags`.
pub mod flags {
    /// The W3C trace flags.
    pub const TRACE_FLAGS_MASK: u32 = 0xFF;
    /// Whether [`CONTEXT_IS_REMOTE`] says anything.
    pub const CONTEXT_HAS_IS_REMOTE: u32 = 0x100;
    /// The parent (of a link: its target) is in another process.
    pub const CONTEXT_IS_REMOTE: u32 = 0x200;
}
