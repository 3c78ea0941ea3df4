//! Tags: wire types, and the field numbers of OTLP.
//!
//! One module per message, named as the message; constants named as the fields. [`schema`](crate::schema) says which
//! wire type each of them has.

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

pub use crate::schema::numbers::*;

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
