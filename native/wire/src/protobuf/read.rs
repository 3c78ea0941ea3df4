//! Bounded, strict, lazy reading of protobuf messages: [`Message`] is bytes and their place, [`Fields`] walks them.
//!
//! Nothing is allocated and nothing outside the slice is read. A length-delimited field is handed out as a slice
//! without a look inside, so walking a message costs time in the number of its own fields, whatever they hold.
//! Groups, which only unknown fields can be, are walked through with a fixed stack of [`MAX_DEPTH`] levels.

use crate::id::{SpanId, TraceId};
use crate::protobuf::error::{DecodeError, DecodeErrorKind};
use crate::protobuf::tag::WireType;
use crate::protobuf::varint::{decode_varint, decode_varint32, low32};
use crate::schema::{self, Type};

/// How deep arrays and maps in values, and groups in unknown fields, may nest.
pub const MAX_DEPTH: u8 = 64;

/// One message's bytes, and where in the whole message they begin.
#[derive(Clone, Copy, Debug, Default)]
pub struct Message<'a> {
    bytes: &'a [u8],
    offset: usize,
}

/// Texts of so many bytes are worth a kernel; shorter ones the standard library sees as fast, and hands over in registers.
const LONG_TEXT: usize = 64;

impl<'a> Message<'a> {
    /// A whole message: offsets of errors count from its start.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// What follows `offset` in `whole`, which ends where the message ends.
    pub(crate) fn within(whole: &'a [u8], offset: usize) -> Self {
        Self {
            bytes: &whole[offset..],
            offset,
        }
    }

    /// A message that begins at `offset` of a whole one: offsets of errors count from the start of that.
    #[must_use]
    pub const fn at(bytes: &'a [u8], offset: usize) -> Self {
        Self { bytes, offset }
    }

    /// The message's bytes.
    #[must_use]
    pub const fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Where the bytes begin in the whole message.
    #[must_use]
    pub const fn offset(self) -> usize {
        self.offset
    }

    /// The fields in the order of the wire.
    #[must_use]
    pub const fn fields(self) -> Fields<'a> {
        Fields {
            rest: self.bytes,
            offset: self.offset,
        }
    }

    /// The numbers of a packed field, each of which has this wire type alone.
    #[must_use]
    pub const fn numbers(self, wire_type: WireType) -> Numbers<'a> {
        Numbers {
            fields: self.fields(),
            wire_type,
        }
    }

    /// The bytes as text.
    pub fn utf8(self) -> Result<&'a str, DecodeError> {
        if self.bytes.len() >= LONG_TEXT
            && let Some(text) = spanwire_kernels::utf8::text(self.bytes)
        {
            return Ok(text);
        }
        core::str::from_utf8(self.bytes)
            .map_err(|error| DecodeError::new(self.offset + error.valid_up_to(), DecodeErrorKind::InvalidUtf8))
    }

    /// The bytes as a trace id; empty means [`TraceId::INVALID`].
    pub fn trace_id(self) -> Result<TraceId, DecodeError> {
        self.id().map(TraceId::new)
    }

    /// The bytes as a span id; empty means [`SpanId::INVALID`].
    pub fn span_id(self) -> Result<SpanId, DecodeError> {
        self.id().map(SpanId::new)
    }

    fn id<const LENGTH: usize>(self) -> Result<[u8; LENGTH], DecodeError> {
        if self.bytes.is_empty() {
            return Ok([0; LENGTH]);
        }
        self.bytes.try_into().map_err(|_| {
            let kind = DecodeErrorKind::IdLength {
                expected: LENGTH,
                found: self.bytes.len(),
            };
            DecodeError::new(self.offset, kind)
        })
    }
}

/// One field: its tag and its payload.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    tag: u32,
    wire_type: WireType,
    offset: usize,
    value: u64,
    message: Message<'a>,
}

impl<'a> Field<'a> {
    /// The field's number in its message.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.tag >> 3
    }

    /// How the payload is laid out. A group is `StartGroup`, and has been walked through.
    #[must_use]
    pub const fn wire_type(&self) -> WireType {
        self.wire_type
    }

    /// Where the tag begins in the whole message.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// The number of a varint or fixed-size field, otherwise 0.
    #[must_use]
    pub const fn value(&self) -> u64 {
        self.value
    }

    /// The low 32 bits of [`value`](Self::value), which is how protobuf reads narrow fields.
    #[must_use]
    pub const fn value32(&self) -> u32 {
        low32(self.value)
    }

    /// The payload of a length-delimited field, otherwise empty.
    #[must_use]
    pub const fn message(&self) -> Message<'a> {
        self.message
    }

    /// An error if the field is declared in `of` with another wire type. Readers check each field so, and need not
    /// think of wire types after that.
    #[inline]
    pub(crate) fn check(&self, of: Type) -> Result<(), DecodeError> {
        if schema::accepts(of, self.number(), self.wire_type) {
            return Ok(());
        }
        Err(self.unexpected(of))
    }

    #[cold]
    fn unexpected(&self, of: Type) -> DecodeError {
        let expected = schema::field(of, self.number()).map_or(self.wire_type, schema::Field::wire_type);
        self.wrong_wire_type(expected)
    }

    /// An error unless the field has this wire type.
    #[inline]
    pub fn expect(&self, expected: WireType) -> Result<(), DecodeError> {
        if self.wire_type == expected {
            return Ok(());
        }
        Err(self.wrong_wire_type(expected))
    }

    fn wrong_wire_type(&self, expected: WireType) -> DecodeError {
        let kind = DecodeErrorKind::WrongWireType {
            field: self.number(),
            expected,
            found: self.wire_type,
        };
        DecodeError::new(self.offset, kind)
    }
}

/// The fields of one message, in the order of the wire. Ends after the first error.
#[derive(Clone, Debug, Default)]
pub struct Fields<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

impl core::iter::FusedIterator for Fields<'_> {}

impl<'a> Fields<'a> {
    /// Where the next field begins in the whole message.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// The next field, a group with all that it holds.
    // Inlined into each reader's loop: as a call it hands its result over in memory, 20 % of the time of reading spans.
    #[inline(always)]
    fn field(&mut self) -> Result<Field<'a>, DecodeError> {
        let field = self.item()?;
        match field.wire_type {
            WireType::StartGroup => self.skip_group(&field)?,
            WireType::EndGroup => return Err(DecodeError::new(field.offset, DecodeErrorKind::UnexpectedEndGroup)),
            _ => {}
        }
        Ok(field)
    }

    /// The next field, or a group's start or end by itself.
    #[inline(always)]
    fn item(&mut self) -> Result<Field<'a>, DecodeError> {
        #[cfg(test)]
        steps::add();
        let offset = self.offset;
        let tag = self.varint32()?;
        if tag < 8 {
            return Err(DecodeError::new(offset, DecodeErrorKind::FieldNumberZero));
        }
        let Some(wire_type) = WireType::from_tag(tag) else {
            return Err(DecodeError::new(
                offset,
                DecodeErrorKind::InvalidWireType((tag & 7) as u8),
            ));
        };
        let (mut value, mut message) = (0, Message::default());
        match wire_type {
            WireType::Varint => value = self.varint()?,
            WireType::Fixed64 => value = u64::from_le_bytes(self.array()?),
            WireType::Fixed32 => value = u32::from_le_bytes(self.array()?).into(),
            WireType::Len => message = self.length_delimited()?,
            WireType::StartGroup | WireType::EndGroup => {}
        }
        Ok(Field {
            tag,
            wire_type,
            offset,
            value,
            message,
        })
    }

    /// Walks on to the end of the group that `start` opened.
    #[cold]
    fn skip_group(&mut self, start: &Field<'a>) -> Result<(), DecodeError> {
        let mut open = [0; MAX_DEPTH as usize];
        let mut depth = 1;
        open[0] = start.number();
        while depth > 0 {
            if self.rest.is_empty() {
                return Err(DecodeError::new(start.offset, DecodeErrorKind::UnterminatedGroup));
            }
            let field = self.item()?;
            match field.wire_type {
                WireType::StartGroup => {
                    let Some(level) = open.get_mut(depth) else {
                        return Err(DecodeError::new(field.offset, DecodeErrorKind::TooDeep));
                    };
                    *level = field.number();
                    depth += 1;
                }
                WireType::EndGroup if open[depth - 1] == field.number() => depth -= 1,
                WireType::EndGroup => {
                    return Err(DecodeError::new(field.offset, DecodeErrorKind::UnexpectedEndGroup));
                }
                _ => {}
            }
        }
        Ok(())
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, DecodeError> {
        let (value, len) = decode_varint(self.rest).map_err(|kind| DecodeError::new(self.offset, kind))?;
        self.advance(len);
        Ok(value)
    }

    #[inline]
    fn varint32(&mut self) -> Result<u32, DecodeError> {
        let (value, len) = decode_varint32(self.rest).map_err(|kind| DecodeError::new(self.offset, kind))?;
        self.advance(len);
        Ok(value)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let Some(array) = self.rest.first_chunk() else {
            return Err(DecodeError::new(self.offset, DecodeErrorKind::Truncated));
        };
        self.advance(N);
        Ok(*array)
    }

    #[inline]
    fn length_delimited(&mut self) -> Result<Message<'a>, DecodeError> {
        let at = self.offset;
        let length = self.varint32()?;
        let Some(bytes) = usize::try_from(length).ok().and_then(|length| self.rest.get(..length)) else {
            let kind = DecodeErrorKind::LengthPastEnd {
                length,
                left: self.rest.len(),
            };
            return Err(DecodeError::new(at, kind));
        };
        let message = Message {
            bytes,
            offset: self.offset,
        };
        self.advance(bytes.len());
        Ok(message)
    }

    #[inline]
    fn advance(&mut self, len: usize) {
        self.rest = &self.rest[len..];
        self.offset += len;
    }
}

/// The numbers of a packed field. Ends after the first error.
#[derive(Clone, Debug)]
pub struct Numbers<'a> {
    fields: Fields<'a>,
    wire_type: WireType,
}

impl Iterator for Numbers<'_> {
    type Item = Result<u64, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.fields.rest.is_empty() {
            return None;
        }
        let number = match self.wire_type {
            WireType::Fixed64 => self.fields.array().map(u64::from_le_bytes),
            WireType::Fixed32 => self.fields.array().map(u32::from_le_bytes).map(u64::from),
            _ => self.fields.varint(),
        };
        if number.is_err() {
            self.fields.rest = &[];
        }
        Some(number)
    }
}

/// Counts the fields that readers look at: time without a clock.
#[cfg(test)]
pub(crate) mod steps {
    use core::cell::Cell;

    std::thread_local! {
        static STEPS: Cell<usize> = const { Cell::new(0) };
    }

    pub(crate) fn add() {
        STEPS.with(|steps| steps.set(steps.get() + 1));
    }

    /// How many fields this thread looks at in `run`.
    pub(crate) fn count(run: impl FnOnce()) -> usize {
        let before = STEPS.with(Cell::get);
        run();
        STEPS.with(Cell::get) - before
    }
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use super::*;

    fn check(bytes: &[u8], expected: Result<usize, (usize, DecodeErrorKind)>) {
        let read = Message::new(bytes).fields().collect::<Result<Vec<_>, _>>();
        assert_eq!(
            read.map(|fields| fields.len())
                .map_err(|error| (error.offset, error.kind)),
            expected,
            "{bytes:x?}"
        );
    }

    #[test]
    fn fields_have_number_payload_and_place() {
        let bytes = [
            0x08, 0x96, 0x01, 0x12, 0x02, b'h', b'i', 0x1D, 1, 0, 0, 0, 0x21, 2, 0, 0, 0, 0, 0, 0, 0x80,
        ];
        let fields: Vec<_> = Message::new(&bytes).fields().map(Result::unwrap).collect();
        let seen: Vec<_> = fields
            .iter()
            .map(|field| (field.number(), field.offset(), field.value()))
            .collect();
        assert_eq!(seen, [(1, 0, 150), (2, 3, 0), (3, 7, 1), (4, 12, 2 | 1 << 63)]);
        assert_eq!(
            (fields[1].message().utf8(), fields[1].message().offset()),
            (Ok("hi"), 5)
        );
    }

    #[test]
    fn every_malformed_item_is_an_error_with_its_place() {
        use DecodeErrorKind::{
            FieldNumberZero, InvalidWireType, LengthPastEnd, TooDeep, Truncated, UnexpectedEndGroup, UnterminatedGroup,
            VarintOverflow, VarintTooLong,
        };
        check(&[], Ok(0));
        check(&[0x80], Err((0, Truncated)));
        check(&[0x08], Err((1, Truncated)));
        check(&[0x08, 0x80], Err((1, Truncated)));
        check(&[0x09, 0, 0, 0, 0, 0, 0, 0], Err((1, Truncated)));
        check(&[0x0D, 0, 0, 0], Err((1, Truncated)));
        check(&[0x0A], Err((1, Truncated)));
        check(&[0x0A, 2, 0], Err((1, LengthPastEnd { length: 2, left: 1 })));
        check(
            &[0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F],
            Err((
                1,
                LengthPastEnd {
                    length: u32::MAX,
                    left: 0,
                },
            )),
        );
        check(&[0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x10], Err((1, VarintOverflow)));
        check(&[0x0A, 0x80, 0x80, 0x80, 0x80, 0x80, 0], Err((1, VarintTooLong)));
        check(
            &[0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02],
            Err((1, VarintOverflow)),
        );
        check(
            &[0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0],
            Err((1, VarintTooLong)),
        );
        check(&[0x88, 0x80, 0x80, 0x80, 0x10, 0], Err((0, VarintOverflow)));
        check(&[0x88, 0x80, 0x80, 0x80, 0x80, 0, 0], Err((0, VarintTooLong)));
        for wire_type in 0..8 {
            check(&[0x08, 0, wire_type, 0], Err((2, FieldNumberZero)));
        }
        check(&[0x08, 0, 0x0E], Err((2, InvalidWireType(6))));
        check(&[0x08, 0, 0x0F], Err((2, InvalidWireType(7))));
        check(&[0x08, 0, 0x0C], Err((2, UnexpectedEndGroup)));
        check(&[0x0B, 0x14], Err((1, UnexpectedEndGroup)));
        check(&[0x08, 0, 0x0B, 0x08, 0], Err((2, UnterminatedGroup)));
        check(&[0x0B, 0x08, 0x01, 0x12, 0x01, b'x', 0x0C, 0x08, 0], Ok(2));
        let nested = |depth| [vec![0x7B; depth], vec![0x7C; depth]].concat();
        check(&nested(64), Ok(1));
        check(&nested(65), Err((64, TooDeep)));
    }

    #[test]
    fn a_walk_ends_after_the_first_error() {
        let mut fields = Message::new(&[0x00, 0x08, 0x01]).fields();
        assert!(matches!(fields.next(), Some(Err(_))));
        assert!(fields.next().is_none());
    }

    #[test]
    #[cfg_attr(miri, ignore = "long, and nothing unsafe in it")]
    fn walking_takes_one_step_a_field_groups_included() {
        let groups = [0x7B, 0x7B, 0x7C, 0x7C].repeat(1000);
        let depth_bomb = vec![0x7B; 100_000];
        let walk = |bytes: &[u8]| steps::count(|| assert!(Message::new(bytes).fields().last().is_some()));
        assert_eq!(walk(&groups), 4000);
        assert_eq!(walk(&depth_bomb), usize::from(MAX_DEPTH) + 1);
        assert_eq!(walk(&[0x08, 0x01].repeat(1000)), 1000);
    }
}
