//! Scalars from JSON's tokens, written as fields.

use spanwire_wire::arena::Region;
use spanwire_wire::{SpanId, TraceId};

use crate::base64;
use crate::schema::{Field, Kind};

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
    let bytes = |out: &mut Region, bytes: &[u8]| {
        if explicit || !bytes.is_empty() {
            out.bytes_field(tag, bytes);
        }
    };
    let varint = |out: &mut Region, value: u64| {
        if explicit || value != 0 {
            out.varint_field(tag, value);
        }
    };
    match (field.kind, token) {
        (Kind::Bool, Token::Bool(value)) => varint(out, value.into()),
        (Kind::Utf8, Token::Text(text)) => bytes(out, text.as_bytes()),
        (Kind::SpanId | Kind::TraceId, Token::Text("")) => {}
        (Kind::TraceId, Token::Text(text)) => match text.parse::<TraceId>() {
            Ok(id) => bytes(out, id.as_bytes()),
            Err(_) => return false,
        },
        (Kind::SpanId, Token::Text(text)) => match text.parse::<SpanId>() {
            Ok(id) => bytes(out, id.as_bytes()),
            Err(_) => return false,
        },
        (Kind::Bytes, Token::Text(text)) => match base64::decode(text) {
            Some(decoded) => bytes(out, &decoded),
            None => return false,
        },
        (Kind::Double, token) => match double(token) {
            // -0.0 is not the default.
            Some(value) if explicit || value.to_bits() != 0 => out.fixed64_field(tag, value.to_bits()),
            Some(_) => {}
            None => return false,
        },
        (Kind::Enum, Token::Text(_)) => return false,
        (Kind::Enum | Kind::Int32, token) => match ranged::<i32>(token) {
            // Negative numbers are sign-extended to ten bytes.
            Some(value) => varint(out, i64::from(value).cast_unsigned()),
            None => return false,
        },
        (Kind::Int64, token) => match ranged::<i64>(token) {
            Some(value) => varint(out, value.cast_unsigned()),
            None => return false,
        },
        (Kind::Uint32, token) => match ranged::<u32>(token) {
            Some(value) => varint(out, value.into()),
            None => return false,
        },
        (Kind::Fixed32, token) => match ranged::<u32>(token) {
            Some(0) => {}
            Some(value) => out.fixed32_field(tag, value),
            None => return false,
        },
        (Kind::Fixed64, token) => match ranged::<u64>(token) {
            Some(0) => {}
            Some(value) => out.fixed64_field(tag, value),
            None => return false,
        },
        _ => return false,
    }
    true
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
