//! The one table of what opentelemetry-proto 1.11 declares: every message and field of the four signals.
//!
//! Tags ([`crate::protobuf::tag`]), validation, the lazy readers and OTLP/JSON all go by it. `tests/conformance/wire/test_schema.py`
//! holds it against the descriptors of the installed opentelemetry-proto.

use crate::protobuf::tag::{WireType, tag};

mod lookup;
pub(crate) mod open_enum;
mod table;
pub mod validate;
mod view;

pub use table::{Type, numbers};
pub use view::{Members, MessageView};

pub(crate) use lookup::{accepts, declared, field};

/// A field's type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// `bool`
    Bool,
    /// `bytes` that are no id
    Bytes,
    /// `double`
    Double,
    /// An enum, open as all of proto3.
    Enum,
    /// `fixed32`
    Fixed32,
    /// `fixed64`
    Fixed64,
    /// `int32`
    Int32,
    /// `int64`
    Int64,
    /// A message.
    Message(Type),
    /// `sfixed64`
    Sfixed64,
    /// `sint32`: zigzag
    Sint32,
    /// `bytes`: none or eight, hexadecimal in JSON
    SpanId,
    /// `bytes`: none or sixteen, hexadecimal in JSON
    TraceId,
    /// `uint32`
    Uint32,
    /// `uint64`
    Uint64,
    /// `string`
    Utf8,
}

impl Kind {
    /// How one value is laid out.
    #[must_use]
    pub const fn wire_type(self) -> WireType {
        match self {
            Self::Bool | Self::Enum | Self::Int32 | Self::Int64 | Self::Sint32 | Self::Uint32 | Self::Uint64 => {
                WireType::Varint
            }
            Self::Double | Self::Fixed64 | Self::Sfixed64 => WireType::Fixed64,
            Self::Fixed32 => WireType::Fixed32,
            Self::Bytes | Self::Message(_) | Self::SpanId | Self::TraceId | Self::Utf8 => WireType::Len,
        }
    }
}

/// How often a field stands in its message, and what its absence means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Label {
    /// Once; a scalar's absence means its default value.
    One,
    /// Once, and absence differs from the default value (`optional` in the .proto file).
    Optional,
    /// A member of the message's only `oneof`: the last one on the wire counts.
    OneOf,
    /// Any number of times; numbers are packed.
    Many,
}

/// A field of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Field {
    /// Its number.
    pub number: u32,
    /// Its name in capitals, as the constant in [`numbers`].
    pub name: &'static str,
    /// Its name in JSON: lowerCamelCase.
    pub json: &'static str,
    /// Its type.
    pub kind: Kind,
    /// How often it stands.
    pub label: Label,
}

impl Field {
    /// Whether its values stand one behind the other in one length-delimited payload.
    #[must_use]
    pub const fn is_packed(&self) -> bool {
        matches!(self.label, Label::Many) && !matches!(self.kind.wire_type(), WireType::Len)
    }

    /// How it is laid out as a whole. Packed fields are read with the wire type of a single value too.
    #[must_use]
    pub const fn wire_type(&self) -> WireType {
        if self.is_packed() {
            WireType::Len
        } else {
            self.kind.wire_type()
        }
    }

    /// The tag that opens it, as the writers take it.
    #[inline]
    #[must_use]
    #[allow(clippy::cast_possible_truncation)] // OTLP's field numbers are below 32
    pub const fn tag(&self) -> u16 {
        tag(self.number, self.wire_type()) as u16
    }
}

impl Type {
    /// Whether its values nest: arrays and maps, whose depth is limited.
    #[must_use]
    pub const fn nests(self) -> bool {
        matches!(self, Self::ArrayValue | Self::KeyValueList)
    }

    /// Field `number`, if it is declared.
    #[must_use]
    pub const fn field(self, number: u32) -> Option<&'static Field> {
        field(self, number)
    }
}
