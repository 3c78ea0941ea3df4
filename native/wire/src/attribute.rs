//! Attributes: [`KeyValue`], of which the key has been read and the value has not.

use crate::error::DecodeError;
use crate::parts::{Occurrences, Parts, Repeated, View};
use crate::read::Message;
use crate::schema::Type;
use crate::tag::key_value;
use crate::value::Value;

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
