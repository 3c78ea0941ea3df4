//! The common case of a field, by table: a tag of one byte, a length of one or two, text in ASCII.
//!
//! Whatever is anything else is [`Next::Unsure`] and said nothing about: [`Fields`](crate::protobuf::read::Fields) looks at that
//! field from its first byte, so errors and their places are its. Nothing here can accept what it would refuse.

use crate::protobuf::tag::{any_value, fixed64_tag, key_value, len_tag, varint_tag};
use crate::schema::{Kind, Type};

/// What stands at a place in a message.
pub(super) enum Next {
    /// A field in which all is well; where the next one begins.
    Good(usize),
    /// A message of this type, from here to there.
    Message(Type, usize, usize),
    /// Something to be looked at closely.
    Unsure,
}

/// The field that begins at `at`, in a message of type `of` that ends at `end`, which is not before `at` and within
/// `bytes`.
#[inline]
pub(super) fn next(bytes: &[u8], of: Type, at: usize, end: usize) -> Next {
    let Some(&tag) = bytes.get(at) else { return Next::Unsure };
    let past = match TABLES[of as usize][usize::from(tag & 0x7F)] {
        _ if tag >= 0x80 => after_flags(bytes, of, at),
        Action::Unsure => return Next::Unsure,
        Action::Fixed32 => at + 5,
        Action::Fixed64 => at + 9,
        Action::Varint => match after_varint(bytes, at + 1) {
            Some(past) => past,
            None => return Next::Unsure,
        },
        action => match length(bytes, at + 1) {
            Some((from, length)) if from <= end && length <= end - from => {
                let to = from + length;
                let good = match action {
                    Action::Message(inner) => return Next::Message(inner, from, to),
                    Action::TraceId => length == 16,
                    Action::SpanId => length == 8,
                    Action::Utf8 => is_ascii(bytes, from, to),
                    Action::Packed64 => length.is_multiple_of(8),
                    Action::PackedVarints => are_varints(&bytes[from..to]),
                    _ => true,
                };
                if good { to } else { return Next::Unsure }
            }
            _ => return Next::Unsure,
        },
    };
    if past <= end { Next::Good(past) } else { Next::Unsure }
}

/// Whether all is well with the `KeyValue` from `at` to `end`; if it is not, that may still be so. It is an attribute
/// as nearly all are: a key, then a value of one field.
#[inline]
pub(super) fn is_good_attribute(bytes: &[u8], at: usize, end: usize) -> bool {
    let Some(&[KEY, key_length @ ..0x80]) = bytes[..end].get(at..).and_then(<[u8]>::first_chunk) else {
        return false;
    };
    let key = at + 2;
    let value = key + usize::from(key_length);
    let Some(&[VALUE, length @ ..0x80, member, first]) = bytes[..end].get(value..).and_then(<[u8]>::first_chunk) else {
        return false;
    };
    if value + 2 + usize::from(length) != end || !is_ascii(bytes, key, value) {
        return false;
    }
    let content = value + 4; // after the member's tag and the byte behind it
    match member {
        STRING => content + usize::from(first) == end && first < 0x80 && is_ascii(bytes, content, end),
        BOOL | INT => after_varint(bytes, content - 1) == Some(end),
        DOUBLE => content + 7 == end,
        _ => false,
    }
}

const KEY: u8 = len_tag(key_value::KEY);
const VALUE: u8 = len_tag(key_value::VALUE);
const STRING: u8 = len_tag(any_value::STRING_VALUE);
const BOOL: u8 = varint_tag(any_value::BOOL_VALUE);
const INT: u8 = varint_tag(any_value::INT_VALUE);
const DOUBLE: u8 = fixed64_tag(any_value::DOUBLE_VALUE);

/// The end of a span's flags, whose tag alone takes two bytes; past every end if it is something else.
#[inline]
fn after_flags(bytes: &[u8], of: Type, at: usize) -> usize {
    const { assert!(crate::protobuf::tag::fixed32_tag(crate::protobuf::tag::span::FLAGS) == 0x85) };
    if matches!(of, Type::Span) && bytes.get(at..at + 2) == Some(&[0x85, 0x01]) {
        at + 6
    } else {
        usize::MAX
    }
}

/// Where the varint at `at` ends, if it has nine bytes or fewer: no such has more than 64 bits. It may end after the
/// message.
#[inline]
fn after_varint(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    let length = rest.iter().take(9).position(|byte| *byte < 0x80)?;
    Some(at + length + 1)
}

/// The length of one to three bytes at `at`, and where what it counts begins.
#[inline]
fn length(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let rest = bytes.get(at..)?;
    match *rest {
        [low @ ..0x80, ..] => Some((at + 1, low.into())),
        [low, high @ ..0x80, ..] => Some((at + 2, usize::from(low & 0x7F) | usize::from(high) << 7)),
        [low, middle, high @ ..0x80, ..] => Some((
            at + 3,
            usize::from(low & 0x7F) | usize::from(middle & 0x7F) << 7 | usize::from(high) << 14,
        )),
        _ => None,
    }
}

const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
const WORD: usize = size_of::<u64>();

/// Whether `bytes[from..to]` is ASCII. Short text is the rule, so words are read that may reach past its end, and over
/// what was read before, instead of single bytes.
#[inline]
fn is_ascii(bytes: &[u8], from: usize, to: usize) -> bool {
    let length = to - from;
    if length > 4 * WORD {
        return bytes[from..to].is_ascii();
    }
    if length < WORD {
        return match bytes[from..].first_chunk() {
            Some(word) => u64::from_le_bytes(*word) & HIGH_BITS & !(u64::MAX << (8 * length)) == 0,
            None => bytes[from..to].is_ascii(),
        };
    }
    let text = &bytes[from..to];
    let mut bits = text.last_chunk().map_or(0, |word| u64::from_le_bytes(*word));
    for word in text.as_chunks().0 {
        bits |= u64::from_le_bytes(*word);
    }
    bits & HIGH_BITS == 0
}

/// Whether these are varints of nine bytes or fewer, one behind the other.
fn are_varints(bytes: &[u8]) -> bool {
    let mut length = 0;
    for byte in bytes {
        length = if *byte < 0x80 { 0 } else { length + 1 };
        if length > 8 {
            return false;
        }
    }
    length == 0
}

#[derive(Clone, Copy)]
enum Action {
    Unsure,
    Bytes,
    Fixed32,
    Fixed64,
    Message(Type),
    Packed64,
    PackedVarints,
    SpanId,
    TraceId,
    Utf8,
    Varint,
}

/// What to do about each tag of one byte, in each type of message.
static TABLES: [[Action; 128]; Type::ALL.len()] = {
    let mut tables = [[Action::Unsure; 128]; Type::ALL.len()];
    let mut of = 0;
    while of < tables.len() {
        assert!(Type::ALL[of] as usize == of);
        let fields = Type::ALL[of].fields();
        let mut at = 0;
        while at < fields.len() {
            let field = &fields[at];
            if field.number < 16 {
                let single = match field.kind {
                    Kind::Bytes => Action::Bytes,
                    Kind::Fixed32 => Action::Fixed32,
                    Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => Action::Fixed64,
                    Kind::Message(inner) => Action::Message(inner),
                    Kind::SpanId => Action::SpanId,
                    Kind::TraceId => Action::TraceId,
                    Kind::Utf8 => Action::Utf8,
                    Kind::Bool
                    | Kind::Enum
                    | Kind::Int32
                    | Kind::Int64
                    | Kind::Sint32
                    | Kind::Uint32
                    | Kind::Uint64 => Action::Varint,
                };
                tables[of][crate::protobuf::tag::short_tag(field.number, field.kind.wire_type()) as usize] = single;
                if field.is_packed() {
                    tables[of][field.tag() as usize] = match single {
                        Action::Fixed64 => Action::Packed64,
                        Action::Varint => Action::PackedVarints,
                        _ => Action::Unsure,
                    };
                }
            }
            at += 1;
        }
        of += 1;
    }
    tables
};
