//! OTLP's trace messages onto a [`Region`], field by field in field order, as protobuf's own serializer orders them.
//!
//! A field that has its default value is left out (`*_field` functions), except where OTLP gives it presence.

use crate::protobuf::arena::{Open, Region};
use crate::protobuf::tag::{any_value, array_value, fixed64_tag, key_value, len_tag, varint_tag};

const KEY: u8 = len_tag(key_value::KEY);
const VALUE: u8 = len_tag(key_value::VALUE);
const STRING: u8 = len_tag(any_value::STRING_VALUE);
const BOOL: u8 = varint_tag(any_value::BOOL_VALUE);
const INT: u8 = varint_tag(any_value::INT_VALUE);
const DOUBLE: u8 = fixed64_tag(any_value::DOUBLE_VALUE);
const ARRAY: u8 = len_tag(any_value::ARRAY_VALUE);
const KEY_VALUE_LIST: u8 = len_tag(any_value::KVLIST_VALUE);
const BYTES: u8 = len_tag(any_value::BYTES_VALUE);

/// Tag of the elements of an `ArrayValue` and of the entries of a `KeyValueList`: both have one repeated field.
pub const VALUES: u8 = len_tag(array_value::VALUES);

/// `tag` and `value`, unless it is 0.
#[inline(always)]
pub fn varint_field(out: &mut Region, tag: u8, value: u64) {
    if value != 0 {
        out.varint_field(tag.into(), value);
    }
}

/// `tag` and `value` as eight bytes, unless it is 0.
#[inline(always)]
pub fn fixed64_field(out: &mut Region, tag: u8, value: u64) {
    if value != 0 {
        out.fixed64_field(tag.into(), value);
    }
}

/// `tag` and `bytes`, unless there are none. For a string field they must be UTF-8.
#[inline(always)]
pub fn bytes_field(out: &mut Region, tag: u8, bytes: &[u8]) {
    if !bytes.is_empty() {
        out.bytes_field(tag.into(), bytes);
    }
}

/// A `KeyValue` under `tag` whose value is the string `value`; key and value must be UTF-8.
#[inline(always)]
pub fn attribute_str(out: &mut Region, tag: u8, key: &[u8], value: &[u8]) {
    out.key_value_bytes(tag, key, STRING, value);
}

/// A `KeyValue` under `tag` whose value is bytes.
#[inline(always)]
pub fn attribute_bytes(out: &mut Region, tag: u8, key: &[u8], value: &[u8]) {
    out.key_value_bytes(tag, key, BYTES, value);
}

/// A `KeyValue` under `tag` whose value is a boolean.
#[inline(always)]
pub fn attribute_bool(out: &mut Region, tag: u8, key: &[u8], value: bool) {
    out.key_value_varint(tag, key, BOOL, value.into());
}

/// A `KeyValue` under `tag` whose value is an integer.
#[inline(always)]
pub fn attribute_int(out: &mut Region, tag: u8, key: &[u8], value: i64) {
    out.key_value_varint(tag, key, INT, value.cast_unsigned());
}

/// A `KeyValue` under `tag` whose value is a double.
#[inline(always)]
pub fn attribute_double(out: &mut Region, tag: u8, key: &[u8], value: f64) {
    out.key_value_fixed64(tag, key, DOUBLE, value.to_bits());
}

/// A `KeyValue` under `tag` without a value: OTLP's null.
pub fn attribute_empty(out: &mut Region, tag: u8, key: &[u8]) {
    out.key_value_empty(tag, key);
}

/// A `KeyValue` whose value is written by the `value_*` functions: close with [`close_attribute`].
pub fn open_attribute(out: &mut Region, tag: u8, key: &[u8]) -> (Open, Open) {
    let attribute = out.open_short(tag);
    bytes_field(out, KEY, key);
    (attribute, out.open_short(VALUE))
}

/// Ends what [`open_attribute`] began.
pub fn close_attribute(out: &mut Region, (attribute, value): (Open, Open)) {
    out.close(value);
    out.close(attribute);
}

/// Content of an `AnyValue`: a string, which must be UTF-8.
pub fn value_str(out: &mut Region, value: &[u8]) {
    out.bytes_field(STRING.into(), value);
}

/// Content of an `AnyValue`: bytes.
pub fn value_bytes(out: &mut Region, value: &[u8]) {
    out.bytes_field(BYTES.into(), value);
}

/// Content of an `AnyValue`: a boolean.
pub fn value_bool(out: &mut Region, value: bool) {
    out.varint_field(BOOL.into(), value.into());
}

/// Content of an `AnyValue`: an integer.
pub fn value_int(out: &mut Region, value: i64) {
    out.varint_field(INT.into(), value.cast_unsigned());
}

/// Content of an `AnyValue`: a double.
pub fn value_double(out: &mut Region, value: f64) {
    out.fixed64_field(DOUBLE.into(), value.to_bits());
}

/// Content of an `AnyValue`: an array, whose elements are [`open_element`]s.
pub fn open_array(out: &mut Region) -> Open {
    out.open_short(ARRAY)
}

/// Content of an `AnyValue`: a map, whose entries are attributes under [`VALUES`].
pub fn open_map(out: &mut Region) -> Open {
    out.open_short(KEY_VALUE_LIST)
}

/// An `AnyValue` of an array.
pub fn open_element(out: &mut Region) -> Open {
    out.open_short(VALUES)
}

/// Tag and length in front of a message of `len` bytes, and the message: how many bytes.
#[must_use]
pub fn len_field_len(len: usize) -> usize {
    1 + crate::protobuf::varint::varint_len(len as u64) + len
}

/// Tag and length of a message that follows.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    bytes: [u8; 11],
    len: u8,
}

impl Header {
    /// The header of a message of `len` bytes under `tag`.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)] // the low seven bits are what is wanted; at most 11 bytes
    pub fn new(tag: u8, len: usize) -> Self {
        let (mut bytes, mut at, mut rest) = ([0; 11], 1, len as u64);
        bytes[0] = tag;
        while rest >= 0x80 {
            bytes[at] = rest as u8 | 0x80;
            rest >>= 7;
            at += 1;
        }
        bytes[at] = rest as u8;
        Self {
            bytes,
            len: at as u8 + 1,
        }
    }

    /// The header's bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}
