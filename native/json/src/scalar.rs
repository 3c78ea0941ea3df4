//! Scalars from JSON's tokens, written as fields.

use spanwire_wire::arena::Region;
use spanwire_wire::schema::{Field, Kind};
use spanwire_wire::tag::WireType;
use spanwire_wire::{SpanId, TraceId};

use crate::base64;

/// A token's value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Token<'a> {
    Bool(bool),
    Double(f64),
    /// An integer from `i64::MIN` to `u64::MAX`.
    Integer(i128),
    Text(&'a str),
}

/// Writes `token` as `field`; false if it does not fit. Default values are left out unless `explicit`.
pub(crate) fn write(out: &mut Region, field: &Field, token: Token<'_>, explicit: bool) -> bool {
    let tag = field.tag();
    let mut bytes = |bytes: &[u8]| {
        if explicit || !bytes.is_empty() {
            out.bytes_field(tag, bytes);
        }
    };
    match (field.kind, token) {
        (Kind::Utf8, Token::Text(text)) => bytes(text.as_bytes()),
        (Kind::SpanId | Kind::TraceId, Token::Text("")) => bytes(&[]),
        (Kind::TraceId, Token::Text(text)) => match text.parse::<TraceId>() {
            Ok(id) => bytes(id.as_bytes()),
            Err(_) => return false,
        },
        (Kind::SpanId, Token::Text(text)) => match text.parse::<SpanId>() {
            Ok(id) => bytes(id.as_bytes()),
            Err(_) => return false,
        },
        (Kind::Bytes, Token::Text(text)) => match base64::decode(text) {
            Some(decoded) => bytes(&decoded),
            None => return false,
        },
        (kind, token) => match number(kind, token) {
            // -0.0 is not the default.
            Some(0) if !explicit => {}
            Some(value) => match kind.wire_type() {
                WireType::Fixed64 => out.fixed64_field(tag, value),
                #[allow(clippy::cast_possible_truncation)] // it was read as 32 bits
                WireType::Fixed32 => out.fixed32_field(tag, value as u32),
                _ => out.varint_field(tag, value),
            },
            None => return false,
        },
    }
    true
}

/// Appends `token` as an element of a packed field; false if it does not fit.
pub(crate) fn write_packed(out: &mut Region, kind: Kind, token: Token<'_>) -> bool {
    let Some(value) = number(kind, token) else {
        return false;
    };
    if kind.wire_type() == WireType::Fixed64 {
        out.raw(&value.to_le_bytes());
        return true;
    }
    let (mut bytes, mut len, mut rest) = ([0; 10], 0, value);
    while rest >= 0x80 {
        bytes[len] = rest.to_le_bytes()[0] | 0x80;
        rest >>= 7;
        len += 1;
    }
    bytes[len] = rest.to_le_bytes()[0];
    out.raw(&bytes[..=len]);
    true
}

/// A number as it stands on the wire.
fn number(kind: Kind, token: Token<'_>) -> Option<u64> {
    match (kind, token) {
        (Kind::Bool, Token::Bool(value)) => Some(value.into()),
        (Kind::Double, token) => double(token).map(f64::to_bits),
        (Kind::Enum, Token::Text(_)) => None,
        // Negative numbers are sign-extended to ten bytes.
        (Kind::Enum | Kind::Int32, token) => ranged::<i32>(token).map(|value| i64::from(value).cast_unsigned()),
        (Kind::Int64 | Kind::Sfixed64, token) => ranged::<i64>(token).map(i64::cast_unsigned),
        (Kind::Sint32, token) => ranged::<i32>(token).map(|value| (value << 1 ^ value >> 31).cast_unsigned().into()),
        (Kind::Fixed32 | Kind::Uint32, token) => ranged::<u32>(token).map(u64::from),
        (Kind::Fixed64 | Kind::Uint64, Token::Text(text)) => unsigned(text).or_else(|| ranged(token)),
        (Kind::Fixed64 | Kind::Uint64, token) => ranged::<u64>(token),
        _ => None,
    }
}

fn double(token: Token<'_>) -> Option<f64> {
    match token {
        Token::Double(value) => Some(value),
        #[allow(clippy::cast_precision_loss)] // to the nearest double, as any number in JSON
        Token::Integer(value) => Some(value as f64),
        Token::Text("NaN") => Some(f64::NAN),
        Token::Text("Infinity") => Some(f64::INFINITY),
        Token::Text("-Infinity") => Some(f64::NEG_INFINITY),
        // Rust would also read names such as "inf", and overflow to infinity.
        Token::Text(text) if text.ends_with(|last: char| last.is_ascii_digit() || last == '.') => {
            text.parse().ok().filter(|value: &f64| value.is_finite())
        }
        Token::Text(_) | Token::Bool(_) => None,
    }
}

/// Up to 19 digits, as times have: cheaper than by 128 bits.
fn unsigned(text: &str) -> Option<u64> {
    let mut value = 0;
    if !(1..20).contains(&text.len()) {
        return None;
    }
    for byte in text.bytes() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u64::from(digit);
    }
    Some(value)
}

/// An integer: a number without a fraction, or a decimal string.
fn ranged<T: TryFrom<i128>>(token: Token<'_>) -> Option<T> {
    let value = match token {
        Token::Integer(value) => value,
        #[allow(clippy::cast_possible_truncation)] // whole and in range
        Token::Double(value) if value.fract() == 0.0 && value.abs() < 1e20 => value as i128,
        Token::Text(text) if !text.starts_with('+') => text.parse().ok()?,
        _ => return None,
    };
    T::try_from(value).ok()
}
