//! [`MessageView`]: a message of any type read by the schema, for readers that want all of it.
//!
//! Fields come merged as protobuf merges them: of a scalar the last occurrence counts, of a oneof the last member, and a
//! message in several parts is one. Attributes and their values have views of their own, which are faster.

use super::lookup::{NUMBERS, accepts, declared};
use super::{Field, Kind, Label, Type};
use crate::protobuf::error::DecodeError;
use crate::protobuf::parts::{Occurrences, PartFields, Parts};
use crate::protobuf::read::{self, Message};
use crate::protobuf::tag::WireType;
use crate::protobuf::value::KeyValues;
use crate::protobuf::value::Value;
use crate::signal::Signal;

/// A message, unread.
#[derive(Clone, Copy, Debug)]
pub struct MessageView<'a> {
    of: Type,
    parts: Parts<'a>,
}

/// A message whose own fields have been read.
#[derive(Clone, Debug)]
pub struct Members<'a> {
    view: MessageView<'a>,
    slots: [Slot<'a>; NUMBERS],
}

/// What a field holds.
#[derive(Clone, Copy, Debug, Default)]
struct Slot<'a> {
    /// How often it was met; of a oneof, since another member was.
    count: usize,
    number: u64,
    message: Message<'a>,
    /// Where its first occurrence begins.
    from: usize,
}

impl<'a> MessageView<'a> {
    /// The export request of `signal` in `bytes`.
    #[must_use]
    pub const fn request(signal: Signal, bytes: &'a [u8]) -> Self {
        Self::new(signal.request(), bytes)
    }

    /// The message of type `of` in `bytes`.
    #[must_use]
    pub const fn new(of: Type, bytes: &'a [u8]) -> Self {
        Self {
            of,
            parts: Parts::whole(Message::new(bytes)),
        }
    }

    /// Its type.
    #[must_use]
    pub const fn of(&self) -> Type {
        self.of
    }

    /// Reads its own fields, once each.
    pub fn members(self) -> Result<Members<'a>, DecodeError> {
        let mut members = Members {
            view: self,
            slots: [Slot::default(); NUMBERS],
        };
        // The member of the oneof that came last.
        let mut member = 0;
        for field in self.parts.fields() {
            let field = field?;
            field.check(self.of)?;
            let Some(declared) = declared(self.of, field.number()) else {
                continue;
            };
            if matches!(declared.label, Label::OneOf) && member != declared.number {
                members.slots[member as usize].count = 0;
                member = declared.number;
            }
            let slot = &mut members.slots[declared.number as usize];
            if slot.count == 0 {
                slot.from = field.offset();
            }
            // Of a message or a list the first one is asked for, of anything else the last.
            if slot.count == 0
                || !matches!(
                    (declared.label, declared.kind),
                    (Label::Many, _) | (_, Kind::Message(_))
                )
            {
                (slot.number, slot.message) = (field.value(), field.message());
            }
            slot.count += 1;
        }
        Ok(members)
    }
}

impl<'a> Members<'a> {
    fn slot(&self, field: &Field) -> &Slot<'a> {
        &self.slots[field.number as usize]
    }

    /// Whether the field is there, be it with its default value; of a oneof, whether it is the member that counts.
    #[must_use]
    pub fn has(&self, field: &Field) -> bool {
        self.slot(field).count > 0
    }

    /// The number of a field that holds one, as on the wire.
    #[must_use]
    pub fn number(&self, field: &Field) -> u64 {
        self.slot(field).number
    }

    /// The bytes, text or id of a field that holds one.
    #[must_use]
    pub fn bytes(&self, field: &Field) -> Message<'a> {
        self.slot(field).message
    }

    /// The message of a field that holds one.
    #[must_use]
    pub fn message(&self, field: &Field, of: Type) -> MessageView<'a> {
        MessageView {
            of,
            parts: self.parts(field),
        }
    }

    /// The `AnyValue` of a field that holds one.
    pub fn value(&self, field: &Field) -> Result<Value<'a>, DecodeError> {
        Value::read_parts(&self.parts(field), 0)
    }

    /// The attributes of a field that holds them.
    #[must_use]
    pub fn key_values(&self, field: &Field) -> KeyValues<'a> {
        self.region(field).repeated(self.view.of, field.number, 0)
    }

    /// The messages of a repeated field.
    pub fn messages(
        &self,
        field: &Field,
        of: Type,
    ) -> impl Iterator<Item = Result<MessageView<'a>, DecodeError>> + use<'a> {
        self.occurrences(field).map(move |field| {
            let parts = Parts::whole(field?.message());
            Ok(MessageView { of, parts })
        })
    }

    /// The texts of a repeated field.
    pub fn texts(&self, field: &Field) -> impl Iterator<Item = Result<&'a str, DecodeError>> + use<'a> {
        self.occurrences(field).map(|field| field?.message().utf8())
    }

    /// The numbers of a repeated field, packed or not.
    pub fn numbers(&self, field: &Field) -> impl Iterator<Item = Result<u64, DecodeError>> + use<'a> {
        let wire_type = field.kind.wire_type();
        self.occurrences(field).flat_map(move |field| {
            let (single, packed) = match field {
                Ok(field) if field.wire_type() == WireType::Len => (None, field.message()),
                Ok(field) => (Some(Ok(field.value())), Message::default()),
                Err(error) => (Some(Err(error)), Message::default()),
            };
            single.into_iter().chain(packed.numbers(wire_type))
        })
    }

    fn parts(&self, field: &Field) -> Parts<'a> {
        let slot = self.slot(field);
        Occurrences::new(slot.message, slot.from, slot.count > 1).parts(&self.view.parts, field.number)
    }

    /// The parts of the message from the field's first occurrence on; none where it is absent.
    fn region(&self, field: &Field) -> Parts<'a> {
        let slot = self.slot(field);
        if slot.count == 0 {
            return Parts::default();
        }
        self.view.parts.from(slot.from)
    }

    fn occurrences(&self, field: &Field) -> FieldOccurrences<'a> {
        FieldOccurrences {
            fields: self.region(field).fields(),
            of: self.view.of,
            number: field.number,
            left: self.slot(field).count,
        }
    }
}

/// The occurrences of one field, up to the last.
struct FieldOccurrences<'a> {
    fields: PartFields<'a>,
    of: Type,
    number: u32,
    left: usize,
}

impl<'a> Iterator for FieldOccurrences<'a> {
    type Item = Result<read::Field<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.left > 0 {
            match self.fields.next()? {
                Ok(field) if field.number() == self.number => {
                    debug_assert!(accepts(self.of, self.number, field.wire_type()));
                    self.left -= 1;
                    return Some(Ok(field));
                }
                Ok(_) => {}
                Err(error) => {
                    self.left = 0;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::numbers::resource_spans;

    /// A resource behind another field, so that its bytes do not begin where the request's do.
    #[test]
    fn absent_lists_of_a_nested_message_are_empty() {
        let group = [0x1A, 1, b's', 0x0A, 2, 0x10, 1];
        let members = MessageView::new(Type::ResourceSpans, &group)
            .members()
            .expect("well-formed");
        let field = Type::ResourceSpans.field(resource_spans::RESOURCE).expect("declared");
        let resource = members.message(field, Type::Resource).members().expect("well-formed");
        for field in Type::Resource
            .fields()
            .iter()
            .filter(|field| field.label == Label::Many)
        {
            assert!(!resource.has(field));
            assert_eq!(resource.key_values(field).count(), 0);
            assert_eq!(resource.messages(field, Type::KeyValue).count(), 0);
        }
    }
}
