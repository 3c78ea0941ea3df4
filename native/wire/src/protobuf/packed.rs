//! [`Packed`]: the numbers of a repeated field.

use core::marker::PhantomData;

use crate::protobuf::error::DecodeError;
use crate::protobuf::parts::{PartFields, Parts};
use crate::protobuf::read::{Message, Numbers};
use crate::protobuf::tag::WireType;
use crate::schema::Type;

/// A number as its bits stand on the wire.
pub(crate) trait Bits {
    fn from_bits(bits: u64) -> Self;
}

impl Bits for u64 {
    fn from_bits(bits: u64) -> Self {
        bits
    }
}

impl Bits for f64 {
    fn from_bits(bits: u64) -> Self {
        Self::from_bits(bits)
    }
}

/// Numbers in order, packed or one a field, as writers may mix them. Ends after the first error.
#[derive(Clone, Debug)]
pub struct Packed<'a, T> {
    fields: PartFields<'a>,
    of: Type,
    number: u32,
    wire_type: WireType,
    /// What is left of the packed payload that was met last.
    numbers: Numbers<'a>,
    item: PhantomData<fn() -> T>,
}

impl<'a, T> Packed<'a, T> {
    /// The numbers of field `number` in all parts of a message of type `of`, where each has this wire type.
    pub(crate) fn new(parts: &Parts<'a>, of: Type, number: u32, wire_type: WireType) -> Self {
        Self {
            fields: parts.fields(),
            of,
            number,
            wire_type,
            numbers: Message::default().numbers(wire_type),
            item: PhantomData,
        }
    }
}

impl<T: Bits> Iterator for Packed<'_, T> {
    type Item = Result<T, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let bits = loop {
            if let Some(bits) = self.numbers.next() {
                break bits;
            }
            match self.fields.next_of(self.of, self.number)? {
                Ok(field) if field.wire_type() == WireType::Len => {
                    self.numbers = field.message().numbers(self.wire_type);
                }
                Ok(field) => break Ok(field.value()),
                Err(error) => break Err(error),
            }
        };
        if bits.is_err() {
            self.fields = PartFields::default();
        }
        Some(bits.map(T::from_bits))
    }
}
