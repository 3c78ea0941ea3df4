//! Attributes: [`KeyValue`], whose value is unread, and [`Value`], the outermost level of an `AnyValue`.
//!
//! `AnyValue` is a oneof: the last member on the wire counts. Where that is an array or a map which stands there
//! several times in a row, protobuf concatenates them, and so do these readers.

use crate::protobuf::error::{DecodeError, DecodeErrorKind};
use crate::protobuf::parts::{Occurrences, Parts, Repeated, View};
use crate::protobuf::read::{MAX_DEPTH, Message};
use crate::protobuf::tag::{any_value, array_value, key_value, key_value_list};
use crate::schema::Type;

/// What an attribute holds.
#[derive(Clone, Copy, Debug, Default)]
pub enum Value<'a> {
    /// Nothing: the message is empty or absent, which OTLP uses for null.
    #[default]
    Empty,
    /// Text.
    Str(&'a str),
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A double.
    Double(f64),
    /// Values in order.
    Array(Array<'a>),
    /// Keys with values.
    Map(Map<'a>),
    /// Bytes.
    Bytes(&'a [u8]),
    /// An index into the string table of a profile. In traces there is no such table: the index is all there is.
    StringIndex(i32),
}

impl<'a> Value<'a> {
    /// Reads a whole `AnyValue` message.
    pub fn new(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::read_parts(&Parts::whole(Message::new(bytes)), 0)
    }

    /// Reads the outermost level of a value inside `depth` arrays and maps.
    pub(crate) fn read_parts(parts: &Parts<'a>, depth: u8) -> Result<Self, DecodeError> {
        let mut value = Self::Empty;
        // The run of arrays or maps that `value` now stands for.
        let mut run = Occurrences::default();
        for field in parts.fields() {
            let field = field?;
            field.check(Type::AnyValue)?;
            value = match field.number() {
                any_value::STRING_VALUE => Self::Str(field.message().utf8()?),
                any_value::BOOL_VALUE => Self::Bool(field.value() != 0),
                any_value::INT_VALUE => Self::Int(field.value().cast_signed()),
                any_value::DOUBLE_VALUE => Self::Double(f64::from_bits(field.value())),
                any_value::BYTES_VALUE => Self::Bytes(field.message().bytes()),
                any_value::STRING_VALUE_STRINDEX => Self::StringIndex(field.value32().cast_signed()),
                any_value::ARRAY_VALUE => {
                    let inside = deeper(depth, field.offset())?;
                    if !matches!(value, Self::Array(_)) {
                        run = Occurrences::default();
                    }
                    run.add(&field);
                    Self::Array(Array {
                        parts: run.parts(parts, any_value::ARRAY_VALUE),
                        depth: inside,
                    })
                }
                any_value::KVLIST_VALUE => {
                    let inside = deeper(depth, field.offset())?;
                    if !matches!(value, Self::Map(_)) {
                        run = Occurrences::default();
                    }
                    run.add(&field);
                    Self::Map(Map {
                        parts: run.parts(parts, any_value::KVLIST_VALUE),
                        depth: inside,
                    })
                }
                _ => continue,
            };
        }
        Ok(value)
    }
}

impl<'a> View<'a> for Value<'a> {
    fn read(message: Message<'a>, depth: u8) -> Result<Self, DecodeError> {
        Self::read_parts(&Parts::whole(message), depth)
    }
}

/// The depth inside an array or map that a field at `offset` opens at `depth`.
pub(crate) fn deeper(depth: u8, offset: usize) -> Result<u8, DecodeError> {
    if depth < MAX_DEPTH {
        Ok(depth + 1)
    } else {
        Err(DecodeError::new(offset, DecodeErrorKind::TooDeep))
    }
}

/// An array, unread.
#[derive(Clone, Copy, Debug)]
pub struct Array<'a> {
    parts: Parts<'a>,
    depth: u8,
}

impl<'a> Array<'a> {
    /// The elements in order.
    #[must_use]
    pub fn iter(&self) -> Values<'a> {
        self.parts.repeated(Type::ArrayValue, array_value::VALUES, self.depth)
    }
}

impl<'a> IntoIterator for &Array<'a> {
    type IntoIter = Values<'a>;
    type Item = Result<Value<'a>, DecodeError>;

    fn into_iter(self) -> Values<'a> {
        self.iter()
    }
}

/// A map, unread. Keys may repeat: protobuf keeps all of them, in order.
#[derive(Clone, Copy, Debug)]
pub struct Map<'a> {
    parts: Parts<'a>,
    depth: u8,
}

impl<'a> Map<'a> {
    /// The entries in order.
    #[must_use]
    pub fn iter(&self) -> KeyValues<'a> {
        self.parts
            .repeated(Type::KeyValueList, key_value_list::VALUES, self.depth)
    }
}

impl<'a> IntoIterator for &Map<'a> {
    type IntoIter = KeyValues<'a>;
    type Item = Result<KeyValue<'a>, DecodeError>;

    fn into_iter(self) -> KeyValues<'a> {
        self.iter()
    }
}

/// The elements of an array.
pub type Values<'a> = Repeated<'a, Value<'a>>;

/// The attributes of a span, event, link, resource or scope, or the entries of a map.
///
/// Keys may repeat: protobuf keeps all of them, in order.
pub type KeyValues<'a> = Repeated<'a, KeyValue<'a>>;

/// One attribute.
#[derive(Clone, Copy, Debug)]
pub struct KeyValue<'a> {
    key: &'a str,
    key_string_index: i32,
    value: Parts<'a>,
    has_value: bool,
    depth: u8,
}

impl<'a> KeyValue<'a> {
    /// Reads a whole `KeyValue` message.
    pub fn new(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::read(Message::new(bytes), 0)
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &'a str {
        self.key
    }

    /// The key as an index into the string table of a profile; 0 in traces, which have none.
    #[must_use]
    pub const fn key_string_index(&self) -> i32 {
        self.key_string_index
    }

    /// Whether there is a value, be it an empty one.
    #[must_use]
    pub const fn has_value(&self) -> bool {
        self.has_value
    }

    /// The value's outermost level. [`Value::Empty`] where it is absent.
    pub fn value(&self) -> Result<Value<'a>, DecodeError> {
        Value::read_parts(&self.value, self.depth)
    }
}

impl<'a> View<'a> for KeyValue<'a> {
    fn read(message: Message<'a>, depth: u8) -> Result<Self, DecodeError> {
        let (mut key, mut key_string_index, mut value) = ("", 0, Occurrences::default());
        for field in message.fields() {
            let field = field?;
            field.check(Type::KeyValue)?;
            match field.number() {
                key_value::KEY => key = field.message().utf8()?,
                key_value::VALUE => value.add(&field),
                key_value::KEY_STRINDEX => key_string_index = field.value32().cast_signed(),
                _ => {}
            }
        }
        let has_value = value.is_present();
        let value = value.parts(&Parts::whole(message), key_value::VALUE);
        Ok(Self {
            key,
            key_string_index,
            value,
            has_value,
            depth,
        })
    }
}
