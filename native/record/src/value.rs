//! [`Value`]: what an attribute can be set to.

use spanwire_wire::arena::{Region, Scalar};
use spanwire_wire::tag::{any_value, fixed64_tag, key_value, len_tag, varint_tag};
use spanwire_wire::varint::varint_len;
use spanwire_wire::write::{self, Header};

const KEY: u8 = len_tag(key_value::KEY);
const VALUE: u8 = len_tag(key_value::VALUE);

/// The value of an attribute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// UTF-8.
    Str(&'a [u8]),
    /// A 64-bit integer.
    Int(i64),
    /// A double.
    Double(f64),
    /// A boolean.
    Bool(bool),
    /// Any bytes.
    Bytes(&'a [u8]),
    /// The content of an `AnyValue`; nothing is OTLP's null.
    Encoded(&'a [u8]),
}

/// UTF-8.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a>(pub &'a [u8]);

impl<'a> From<Text<'a>> for Value<'a> {
    #[inline(always)]
    fn from(text: Text<'a>) -> Self {
        Self::Str(text.0)
    }
}

impl From<i64> for Value<'_> {
    #[inline(always)]
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<f64> for Value<'_> {
    #[inline(always)]
    fn from(number: f64) -> Self {
        Self::Double(number)
    }
}

impl From<bool> for Value<'_> {
    #[inline(always)]
    fn from(is: bool) -> Self {
        Self::Bool(is)
    }
}

impl<'a> Value<'a> {
    /// As it is written where it is short; none if it has no tag of its own.
    #[inline(always)]
    pub(crate) const fn scalar(self) -> Option<Scalar<'a>> {
        Some(match self {
            Self::Str(text) => Scalar::Bytes(const { len_tag(any_value::STRING_VALUE) }, text),
            Self::Int(number) => Scalar::Varint(const { varint_tag(any_value::INT_VALUE) }, number.cast_unsigned()),
            Self::Double(number) => Scalar::Fixed64(const { fixed64_tag(any_value::DOUBLE_VALUE) }, number.to_bits()),
            Self::Bool(is) => Scalar::Varint(const { varint_tag(any_value::BOOL_VALUE) }, is as u64),
            Self::Bytes(bytes) => Scalar::Bytes(const { len_tag(any_value::BYTES_VALUE) }, bytes),
            Self::Encoded(_) => return None,
        })
    }

    /// At most so many bytes beside tags and lengths.
    pub(crate) const fn size(self) -> usize {
        match self {
            Self::Str(bytes) | Self::Bytes(bytes) | Self::Encoded(bytes) => bytes.len(),
            Self::Int(_) => 10,
            Self::Double(_) => 8,
            Self::Bool(_) => 1,
        }
    }

    /// Writes the whole attribute under `tag`, of any length.
    pub(crate) fn write(self, out: &mut Region, tag: u8, key: &[u8]) {
        match self {
            Self::Str(text) => write::attribute_str(out, tag, key, text),
            Self::Int(number) => write::attribute_int(out, tag, key, number),
            Self::Double(number) => write::attribute_double(out, tag, key, number),
            Self::Bool(is) => write::attribute_bool(out, tag, key, is),
            Self::Bytes(bytes) => write::attribute_bytes(out, tag, key, bytes),
            Self::Encoded(content) => {
                let field = |len: usize| 1 + varint_len(len as u64) + len;
                let key_len = if key.is_empty() { 0 } else { field(key.len()) };
                out.raw(Header::new(tag, key_len + field(content.len())).as_slice());
                write::bytes_field(out, KEY, key);
                out.bytes_field(VALUE.into(), content);
            }
        }
    }
}
