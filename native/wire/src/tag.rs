//! Tags: wire types, and the field numbers of OTLP traces (opentelemetry-proto 1.11).
//!
//! One module per message, named as the message; constants named as the fields. `schema` says which wire type
//! each of them has.

/// How a field's payload is laid out. Groups (3, 4) are obsolete: OTLP has none, readers skip them.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(u8)]
pub enum WireType {
    /// Integers, bools and enums.
    Varint = 0,
    /// `fixed64`, `sfixed64` and `double`: eight bytes, little endian.
    Fixed64 = 1,
    /// Strings, bytes and messages: a varint length, then as many bytes.
    Len = 2,
    /// Opens a group, which ends at the `EndGroup` with the same number.
    StartGroup = 3,
    /// Closes a group.
    EndGroup = 4,
    /// `fixed32`, `sfixed32` and `float`: four bytes, little endian.
    Fixed32 = 5,
}

impl WireType {
    /// The wire type in the low three bits of a tag; 6 and 7 are reserved.
    #[must_use]
    pub const fn from_tag(tag: u32) -> Option<Self> {
        match tag & 7 {
            0 => Some(Self::Varint),
            1 => Some(Self::Fixed64),
            2 => Some(Self::Len),
            3 => Some(Self::StartGroup),
            4 => Some(Self::EndGroup),
            5 => Some(Self::Fixed32),
            _ => None,
        }
    }

    /// Its name in protobuf's documentation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Varint => "VARINT",
            Self::Fixed64 => "I64",
            Self::Len => "LEN",
            Self::StartGroup => "SGROUP",
            Self::EndGroup => "EGROUP",
            Self::Fixed32 => "I32",
        }
    }
}

/// The tag that opens field `number`.
#[must_use]
pub const fn tag(number: u32, wire_type: WireType) -> u32 {
    number << 3 | wire_type as u32
}

/// The one byte that opens field `number` below 16: all of OTLP's but `Span.flags`.
///
/// # Panics
/// If the number needs a second byte; in a constant, at compile time.
#[must_use]
#[allow(clippy::cast_possible_truncation)] // below 128, as asserted
pub const fn short_tag(number: u32, wire_type: WireType) -> u8 {
    assert!(0 < number && number < 16);
    tag(number, wire_type) as u8
}

/// [`short_tag`] of a string, bytes or message.
#[must_use]
pub const fn len_tag(number: u32) -> u8 {
    short_tag(number, WireType::Len)
}

/// [`short_tag`] of an integer, bool or enum.
#[must_use]
pub const fn varint_tag(number: u32) -> u8 {
    short_tag(number, WireType::Varint)
}

/// [`short_tag`] of a `fixed64` or double.
#[must_use]
pub const fn fixed64_tag(number: u32) -> u8 {
    short_tag(number, WireType::Fixed64)
}

/// The tag of a `fixed32`: OTLP's are the flags, of which a span's needs a second byte.
///
/// # Panics
/// If the number needs a third byte; in a constant, at compile time.
#[must_use]
#[allow(clippy::cast_possible_truncation)] // below 2048, as asserted
pub const fn fixed32_tag(number: u32) -> u16 {
    assert!(0 < number && number < 256);
    tag(number, WireType::Fixed32) as u16
}

/// Declares one module of field numbers per message.
macro_rules! messages {
    ($($(#[$doc:meta])* $message:ident { $($field:ident = $number:literal,)* })*) => {
        $($(#[$doc])* #[expect(missing_docs, reason = "named as in the .proto file")]
        pub mod $message {
            $(pub const $field: u32 = $number;)*
        })*
    };
}

messages! {
    /// `opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest`
    export_request { RESOURCE_SPANS = 1, }
    /// `opentelemetry.proto.trace.v1.ResourceSpans`
    resource_spans { RESOURCE = 1, SCOPE_SPANS = 2, SCHEMA_URL = 3, }
    /// `opentelemetry.proto.resource.v1.Resource`
    resource { ATTRIBUTES = 1, DROPPED_ATTRIBUTES_COUNT = 2, ENTITY_REFS = 3, }
    /// `opentelemetry.proto.common.v1.EntityRef`
    entity_ref { SCHEMA_URL = 1, TYPE = 2, ID_KEYS = 3, DESCRIPTION_KEYS = 4, }
    /// `opentelemetry.proto.trace.v1.ScopeSpans`
    scope_spans { SCOPE = 1, SPANS = 2, SCHEMA_URL = 3, }
    /// `opentelemetry.proto.common.v1.InstrumentationScope`
    scope { NAME = 1, VERSION = 2, ATTRIBUTES = 3, DROPPED_ATTRIBUTES_COUNT = 4, }
    /// `opentelemetry.proto.trace.v1.Span`
    span {
        TRACE_ID = 1,
        SPAN_ID = 2,
        TRACE_STATE = 3,
        PARENT_SPAN_ID = 4,
        NAME = 5,
        KIND = 6,
        START_TIME_UNIX_NANO = 7,
        END_TIME_UNIX_NANO = 8,
        ATTRIBUTES = 9,
        DROPPED_ATTRIBUTES_COUNT = 10,
        EVENTS = 11,
        DROPPED_EVENTS_COUNT = 12,
        LINKS = 13,
        DROPPED_LINKS_COUNT = 14,
        STATUS = 15,
        FLAGS = 16,
    }
    /// `opentelemetry.proto.trace.v1.Span.Event`
    event { TIME_UNIX_NANO = 1, NAME = 2, ATTRIBUTES = 3, DROPPED_ATTRIBUTES_COUNT = 4, }
    /// `opentelemetry.proto.trace.v1.Span.Link`
    link {
        TRACE_ID = 1,
        SPAN_ID = 2,
        TRACE_STATE = 3,
        ATTRIBUTES = 4,
        DROPPED_ATTRIBUTES_COUNT = 5,
        FLAGS = 6,
    }
    /// `opentelemetry.proto.trace.v1.Status`
    status { MESSAGE = 2, CODE = 3, }
    /// `opentelemetry.proto.common.v1.KeyValue`
    key_value { KEY = 1, VALUE = 2, KEY_STRINDEX = 3, }
    /// `opentelemetry.proto.common.v1.AnyValue`, a oneof
    any_value {
        STRING_VALUE = 1,
        BOOL_VALUE = 2,
        INT_VALUE = 3,
        DOUBLE_VALUE = 4,
        ARRAY_VALUE = 5,
        KVLIST_VALUE = 6,
        BYTES_VALUE = 7,
        STRING_VALUE_STRINDEX = 8,
    }
    /// `opentelemetry.proto.common.v1.ArrayValue`
    array_value { VALUES = 1, }
    /// `opentelemetry.proto.common.v1.KeyValueList`
    key_value_list { VALUES = 1, }
    /// `opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse`
    export_response { PARTIAL_SUCCESS = 1, }
    /// `opentelemetry.proto.collector.trace.v1.ExportTracePartialSuccess`
    partial_success { REJECTED_SPANS = 1, ERROR_MESSAGE = 2, }
    /// `google.rpc.Status`, the body of HTTP error responses
    rpc_status { CODE = 1, MESSAGE = 2, DETAILS = 3, }
    /// `google.protobuf.Any`, a detail of such a status
    any { TYPE_URL = 1, VALUE = 2, }
    /// `google.rpc.RetryInfo`, one of those
    retry_info { RETRY_DELAY = 1, }
    /// `google.protobuf.Duration`
    duration { SECONDS = 1, NANOS = 2, }
}

/// Bits of `Span.flags` and `Link.flags`; the low eight are the W3C trace flags.
pub mod flags {
    /// Whether [`CONTEXT_IS_REMOTE`] says anything.
    pub const CONTEXT_HAS_IS_REMOTE: u32 = 0x100;
    /// The parent (of a link: its target) is in another process.
    pub const CONTEXT_IS_REMOTE: u32 = 0x200;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_holds_number_and_wire_type() {
        assert_eq!(tag(span::FLAGS, WireType::Fixed32), 0x85);
        for wire_type in 0..8 {
            let read = WireType::from_tag(16 << 3 | wire_type);
            assert_eq!(read.map(|read| read as u32), (wire_type < 6).then_some(wire_type));
        }
    }
}
