//! JSON names to field numbers and types, for every message of OTLP traces.

use spanwire_wire::tag::{
    WireType, any_value, array_value, entity_ref, event, export_request, key_value, key_value_list, link, resource,
    resource_spans, scope, scope_spans, span, status, tag,
};

/// A field: how it is called in JSON and what it is on the wire.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) number: u32,
    pub(crate) kind: Kind,
    pub(crate) repeated: bool,
}

impl Field {
    /// The tag that opens it, as wire's writers take it.
    #[allow(clippy::cast_possible_truncation)] // OTLP's field numbers are below 32
    pub(crate) const fn tag(&self) -> u16 {
        tag(self.number, self.kind.wire_type()) as u16
    }
}

/// A field's type.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Bool,
    Bytes,
    Double,
    Enum,
    Fixed32,
    Fixed64,
    Int32,
    Int64,
    Message(&'static Message),
    SpanId,
    TraceId,
    Uint32,
    Utf8,
}

impl Kind {
    const fn wire_type(self) -> WireType {
        match self {
            Self::Bool | Self::Enum | Self::Int32 | Self::Int64 | Self::Uint32 => WireType::Varint,
            Self::Double | Self::Fixed64 => WireType::Fixed64,
            Self::Fixed32 => WireType::Fixed32,
            Self::Bytes | Self::Message(_) | Self::SpanId | Self::TraceId | Self::Utf8 => WireType::Len,
        }
    }

    /// What JSON should have there.
    pub(crate) const fn expected(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Bytes => "a base64 string",
            Self::Double => "a number, \"NaN\", \"Infinity\" or \"-Infinity\"",
            Self::Enum => "an integer (OTLP/JSON has no enum names)",
            Self::Fixed32 | Self::Uint32 => "an integer from 0 to 4294967295",
            Self::Fixed64 => "an integer from 0 to 18446744073709551615, as a number or a string",
            Self::Int32 => "a 32-bit integer",
            Self::Int64 => "a 64-bit integer, as a number or a string",
            Self::Message(_) => "an object",
            Self::SpanId => "16 hex digits or an empty string",
            Self::TraceId => "32 hex digits or an empty string",
            Self::Utf8 => "a string",
        }
    }
}

/// A message.
#[derive(Debug)]
pub(crate) struct Message {
    fields: &'static [Field],
    /// At most one of its fields may be given, and then counts also with its default value.
    pub(crate) is_oneof: bool,
    /// Counts in the depth of values.
    pub(crate) is_container: bool,
}

impl Message {
    pub(crate) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

const fn one(name: &'static str, number: u32, kind: Kind) -> Field {
    Field {
        name,
        number,
        kind,
        repeated: false,
    }
}

const fn many(name: &'static str, number: u32, kind: Kind) -> Field {
    Field {
        name,
        number,
        kind,
        repeated: true,
    }
}

const fn message(fields: &'static [Field]) -> Message {
    Message {
        fields,
        is_oneof: false,
        is_container: false,
    }
}

pub(crate) static REQUEST: Message = message(&[many(
    "resourceSpans",
    export_request::RESOURCE_SPANS,
    Kind::Message(&RESOURCE_SPANS),
)]);

static RESOURCE_SPANS: Message = message(&[
    one("resource", resource_spans::RESOURCE, Kind::Message(&RESOURCE)),
    many("scopeSpans", resource_spans::SCOPE_SPANS, Kind::Message(&SCOPE_SPANS)),
    one("schemaUrl", resource_spans::SCHEMA_URL, Kind::Utf8),
]);

static RESOURCE: Message = message(&[
    many("attributes", resource::ATTRIBUTES, Kind::Message(&KEY_VALUE)),
    one(
        "droppedAttributesCount",
        resource::DROPPED_ATTRIBUTES_COUNT,
        Kind::Uint32,
    ),
    many("entityRefs", resource::ENTITY_REFS, Kind::Message(&ENTITY_REF)),
]);

static ENTITY_REF: Message = message(&[
    one("schemaUrl", entity_ref::SCHEMA_URL, Kind::Utf8),
    one("type", entity_ref::TYPE, Kind::Utf8),
    many("idKeys", entity_ref::ID_KEYS, Kind::Utf8),
    many("descriptionKeys", entity_ref::DESCRIPTION_KEYS, Kind::Utf8),
]);

static SCOPE_SPANS: Message = message(&[
    one("scope", scope_spans::SCOPE, Kind::Message(&SCOPE)),
    many("spans", scope_spans::SPANS, Kind::Message(&SPAN)),
    one("schemaUrl", scope_spans::SCHEMA_URL, Kind::Utf8),
]);

static SCOPE: Message = message(&[
    one("name", scope::NAME, Kind::Utf8),
    one("version", scope::VERSION, Kind::Utf8),
    many("attributes", scope::ATTRIBUTES, Kind::Message(&KEY_VALUE)),
    one("droppedAttributesCount", scope::DROPPED_ATTRIBUTES_COUNT, Kind::Uint32),
]);

static SPAN: Message = message(&[
    one("traceId", span::TRACE_ID, Kind::TraceId),
    one("spanId", span::SPAN_ID, Kind::SpanId),
    one("traceState", span::TRACE_STATE, Kind::Utf8),
    one("parentSpanId", span::PARENT_SPAN_ID, Kind::SpanId),
    one("flags", span::FLAGS, Kind::Fixed32),
    one("name", span::NAME, Kind::Utf8),
    one("kind", span::KIND, Kind::Enum),
    one("startTimeUnixNano", span::START_TIME_UNIX_NANO, Kind::Fixed64),
    one("endTimeUnixNano", span::END_TIME_UNIX_NANO, Kind::Fixed64),
    many("attributes", span::ATTRIBUTES, Kind::Message(&KEY_VALUE)),
    one("droppedAttributesCount", span::DROPPED_ATTRIBUTES_COUNT, Kind::Uint32),
    many("events", span::EVENTS, Kind::Message(&EVENT)),
    one("droppedEventsCount", span::DROPPED_EVENTS_COUNT, Kind::Uint32),
    many("links", span::LINKS, Kind::Message(&LINK)),
    one("droppedLinksCount", span::DROPPED_LINKS_COUNT, Kind::Uint32),
    one("status", span::STATUS, Kind::Message(&STATUS)),
]);

static EVENT: Message = message(&[
    one("timeUnixNano", event::TIME_UNIX_NANO, Kind::Fixed64),
    one("name", event::NAME, Kind::Utf8),
    many("attributes", event::ATTRIBUTES, Kind::Message(&KEY_VALUE)),
    one("droppedAttributesCount", event::DROPPED_ATTRIBUTES_COUNT, Kind::Uint32),
]);

static LINK: Message = message(&[
    one("traceId", link::TRACE_ID, Kind::TraceId),
    one("spanId", link::SPAN_ID, Kind::SpanId),
    one("traceState", link::TRACE_STATE, Kind::Utf8),
    many("attributes", link::ATTRIBUTES, Kind::Message(&KEY_VALUE)),
    one("droppedAttributesCount", link::DROPPED_ATTRIBUTES_COUNT, Kind::Uint32),
    one("flags", link::FLAGS, Kind::Fixed32),
]);

static STATUS: Message = message(&[
    one("message", status::MESSAGE, Kind::Utf8),
    one("code", status::CODE, Kind::Enum),
]);

static KEY_VALUE: Message = message(&[
    one("key", key_value::KEY, Kind::Utf8),
    one("value", key_value::VALUE, Kind::Message(&ANY_VALUE)),
    one("keyStrindex", key_value::KEY_STRINDEX, Kind::Int32),
]);

static ANY_VALUE: Message = Message {
    fields: &[
        one("stringValue", any_value::STRING_VALUE, Kind::Utf8),
        one("boolValue", any_value::BOOL_VALUE, Kind::Bool),
        one("intValue", any_value::INT_VALUE, Kind::Int64),
        one("doubleValue", any_value::DOUBLE_VALUE, Kind::Double),
        one("arrayValue", any_value::ARRAY_VALUE, Kind::Message(&ARRAY_VALUE)),
        one("kvlistValue", any_value::KVLIST_VALUE, Kind::Message(&KEY_VALUE_LIST)),
        one("bytesValue", any_value::BYTES_VALUE, Kind::Bytes),
        one("stringValueStrindex", any_value::STRING_VALUE_STRINDEX, Kind::Int32),
    ],
    is_oneof: true,
    is_container: false,
};

static ARRAY_VALUE: Message = Message {
    fields: &[many("values", array_value::VALUES, Kind::Message(&ANY_VALUE))],
    is_oneof: false,
    is_container: true,
};

static KEY_VALUE_LIST: Message = Message {
    fields: &[many("values", key_value_list::VALUES, Kind::Message(&KEY_VALUE))],
    is_oneof: false,
    is_container: true,
};
