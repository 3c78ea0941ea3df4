//! The quick way's reader: what is left of one message, and `None` where it is not as expected.
//!
//! It says nothing of what is wrong. Whoever gets `None` reads the same bytes by [`spanwire_wire`]'s readers, which do.

use spanwire_kernels::utf8;
use spanwire_wire::varint::{decode_varint, decode_varint32};

use super::views::View;

/// What is left of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    /// Where the message ends in the input.
    end: usize,
}

impl<'a> Cursor<'a> {
    /// The message `input[start..end]`; an empty one if there are no such bytes.
    #[inline(always)]
    pub fn new(input: &'a [u8], start: usize, end: usize) -> Self {
        let rest = input.get(start..end).unwrap_or_default();
        Self { rest, end }
    }

    #[inline(always)]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    #[inline(always)]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Where it stands in the input.
    #[inline(always)]
    pub const fn offset(&self) -> usize {
        self.end - self.rest.len()
    }

    /// Where the message ends in the input.
    #[inline(always)]
    pub const fn end(&self) -> usize {
        self.end
    }

    /// All that is left.
    #[inline(always)]
    pub const fn view(&self) -> View {
        View {
            start: self.offset(),
            len: self.rest.len(),
        }
    }

    /// Steps over `tag` if it is next.
    #[inline(always)]
    pub fn tag(&mut self, tag: u8) -> bool {
        match self.rest.split_first() {
            Some((&first, rest)) if first == tag => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    #[inline(always)]
    pub fn array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (array, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(array)
    }

    #[inline(always)]
    pub fn fixed64(&mut self) -> Option<u64> {
        self.array().map(|bytes| u64::from_le_bytes(*bytes))
    }

    #[inline(always)]
    pub fn fixed32(&mut self) -> Option<u32> {
        self.array().map(|bytes| u32::from_le_bytes(*bytes))
    }

    #[inline(always)]
    pub fn varint(&mut self) -> Option<u64> {
        let (value, len) = decode_varint(self.rest).ok()?;
        self.rest = self.rest.get(len..)?;
        Some(value)
    }

    /// A varint of which the low 32 bits count, as protobuf reads narrow fields.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "the point of it")]
    pub fn varint_low32(&mut self) -> Option<u32> {
        self.varint().map(|value| value as u32)
    }

    /// A length, and as many bytes.
    #[inline(always)]
    pub fn delimited(&mut self) -> Option<Self> {
        let (len, header) = length(self.rest)?;
        let (inside, rest) = self.rest.get(header..)?.split_at_checked(len)?;
        self.rest = rest;
        Some(Self {
            rest: inside,
            end: self.offset(),
        })
    }

    /// A length, and as many bytes of UTF-8.
    #[inline(always)]
    pub fn text(&mut self) -> Option<Self> {
        let text = self.delimited()?;
        utf8::validate(text.rest).then_some(text)
    }

    /// An id of `N` bytes, or none: zeros.
    #[inline(always)]
    pub fn id<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (&len, rest) = self.rest.split_first()?;
        self.rest = rest;
        if usize::from(len) == N {
            self.array().copied()
        } else {
            (len == 0).then_some([0; N])
        }
    }

    /// Steps over `head` if it is next.
    #[inline(always)]
    pub fn skip(&mut self, head: &[u8]) -> bool {
        let Some((first, rest)) = self.rest.split_at_checked(head.len()) else {
            return false;
        };
        if !equal(first, head) {
            return false;
        }
        self.rest = rest;
        true
    }
}

/// A length, and how many bytes it takes: one or two in almost all cases.
#[inline(always)]
pub(super) fn length(bytes: &[u8]) -> Option<(usize, usize)> {
    match *bytes {
        [len @ ..0x80, ..] => Some((len.into(), 1)),
        [low, high @ ..0x80, ..] => Some((usize::from(low & 0x7F) | usize::from(high) << 7, 2)),
        _ => long_length(bytes),
    }
}

#[cold]
fn long_length(bytes: &[u8]) -> Option<(usize, usize)> {
    let (len, header) = decode_varint32(bytes).ok()?;
    Some((len as usize, header))
}

/// Whether two slices of one length are equal: a call of memcmp costs more than comparing keys takes.
#[inline(always)]
fn equal(left: &[u8], right: &[u8]) -> bool {
    fn ends<const N: usize>(bytes: &[u8]) -> Option<(&[u8; N], &[u8; N])> {
        Some((bytes.first_chunk()?, bytes.last_chunk()?))
    }
    match left.len() {
        8..16 => ends::<8>(left) == ends(right),
        16..=32 => ends::<16>(left) == ends(right),
        _ => left == right,
    }
}
