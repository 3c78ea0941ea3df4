//! What can be wrong with bytes that claim to be OTLP, and where.

use core::error::Error;
use core::fmt;

use crate::protobuf::tag::WireType;

/// The first malformed item that a reader met.
///
/// The offset counts from the start of the whole message, also when a nested reader found the error. It is that
/// of the item's first byte: the tag for what is wrong with a tag or a wire type, the length for a length, the
/// payload for an id, the first bad byte for UTF-8.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DecodeError {
    /// Bytes from the start of the whole message.
    pub offset: usize,
    /// What is wrong there.
    pub kind: DecodeErrorKind,
}

impl DecodeError {
    pub(crate) const fn new(offset: usize, kind: DecodeErrorKind) -> Self {
        Self { offset, kind }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind, self.offset)
    }
}

impl Error for DecodeError {}

/// What is wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DecodeErrorKind {
    /// A tag of zero, or one whose number is zero.
    FieldNumberZero,
    /// A trace id that is neither empty nor 16 bytes, a span id that is neither empty nor 8.
    IdLength {
        /// 16 or 8.
        expected: usize,
        /// Bytes in the message.
        found: usize,
    },
    /// A string that is not UTF-8.
    InvalidUtf8,
    /// Wire type 6 or 7, which protobuf reserves.
    InvalidWireType(u8),
    /// A length that reaches past the end of the message around it.
    LengthPastEnd {
        /// Bytes announced.
        length: u32,
        /// Bytes that are left.
        left: usize,
    },
    /// Arrays, maps or groups nested deeper than [`MAX_DEPTH`](crate::protobuf::read::MAX_DEPTH).
    TooDeep,
    /// The message ends inside a varint or inside a fixed-size value.
    Truncated,
    /// A group's end without its start.
    UnexpectedEndGroup,
    /// A group that the message ends without closing.
    UnterminatedGroup,
    /// A varint whose value needs more than 64 bits, or more than 32 in a tag or a length.
    VarintOverflow,
    /// A varint of more than ten bytes, or more than five in a tag or a length.
    VarintTooLong,
    /// A known field with a wire type that its declaration forbids.
    WrongWireType {
        /// The field's number in its message.
        field: u32,
        /// What the declaration says.
        expected: WireType,
        /// What the message says.
        found: WireType,
    },
}

impl fmt::Display for DecodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::FieldNumberZero => f.write_str("field number 0"),
            Self::IdLength { expected, found } => {
                write!(f, "an id of {found} bytes where 0 or {expected} are allowed")
            }
            Self::InvalidUtf8 => f.write_str("a string that is not UTF-8"),
            Self::InvalidWireType(wire_type) => write!(f, "reserved wire type {wire_type}"),
            Self::LengthPastEnd { length, left } => {
                write!(f, "a length of {length} with {left} bytes left")
            }
            Self::TooDeep => f.write_str("values nested too deep"),
            Self::Truncated => f.write_str("a value cut short"),
            Self::UnexpectedEndGroup => f.write_str("the end of a group that was not opened"),
            Self::UnterminatedGroup => f.write_str("a group that is not closed"),
            Self::VarintOverflow => f.write_str("a varint out of range"),
            Self::VarintTooLong => f.write_str("a varint of too many bytes"),
            Self::WrongWireType { field, expected, found } => write!(
                f,
                "field {field} with wire type {} where {} belongs",
                found.name(),
                expected.name()
            ),
        }
    }
}
