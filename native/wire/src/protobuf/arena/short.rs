//! Short attributes and plain spans, which nearly all are: behind one check, with lengths of one byte.

use super::Region;
use super::cursor::Cursor;
use crate::protobuf::varint::varint_len;

/// Key and content of the value of a short attribute are together at most so long: then every length is one byte.
const SHORT: usize = 120;

/// Free bytes that [`Region::short_attribute`] asks for, whatever the attribute takes.
pub const SHORT_ROOM: usize = SHORT + 8;

/// The content of an `AnyValue`: its tag and what follows.
#[derive(Clone, Copy, Debug)]
pub enum Scalar<'a> {
    /// Bytes or, of UTF-8, a string.
    Bytes(u8, &'a [u8]),
    /// An integer or a boolean.
    Varint(u8, u64),
    /// A double.
    Fixed64(u8, u64),
}

/// The parts of a span that has no trace state, no events and links, and nothing dropped. The tags are fixed: they stand here
/// once, and a test compares with the general writer.
#[derive(Clone, Copy, Debug)]
pub struct PlainSpan<'a> {
    /// In wire order.
    pub trace_id: [u8; 16],
    /// In wire order.
    pub span_id: [u8; 8],
    /// The parent's id.
    pub parent: Option<[u8; 8]>,
    /// UTF-8.
    pub name: &'a [u8],
    /// OTLP's kind, below 128.
    pub kind: u8,
    /// Nanoseconds since the epoch.
    pub start: u64,
    /// Nanoseconds since the epoch.
    pub end: u64,
    /// Encoded, under their tag.
    pub attributes: &'a [u8],
    /// OTLP's code, below 128; there is no message.
    pub status_code: u8,
    /// `Span.flags`.
    pub flags: u32,
}

impl Region {
    /// Whether `more` bytes can be appended in the memory that there is.
    #[must_use]
    #[inline(always)]
    pub const fn has_spare(&self, more: usize) -> bool {
        self.cap - self.len >= more
    }

    /// Makes memory for `more` bytes.
    pub fn provide(&mut self, more: usize) {
        if !self.has_spare(more) {
            self.grow(more);
        }
    }

    /// Appends a `KeyValue` under `tag`, if it is short, has a key and [`SHORT_ROOM`] bytes are free; else writes nothing and
    /// answers false.
    #[must_use]
    #[inline(always)]
    pub fn short_attribute(&mut self, tag: u8, key: &[u8], value: Scalar<'_>) -> bool {
        let len = match value {
            Scalar::Bytes(_, bytes) => 2 + bytes.len(),
            Scalar::Varint(_, number) => 1 + varint_len(number),
            Scalar::Fixed64(..) => 9,
        };
        if key.is_empty() || key.len() + len > SHORT || !self.has_spare(SHORT_ROOM) {
            return false;
        }
        // SAFETY: `SHORT_ROOM` bytes are free, which are three tags with their lengths and at most `SHORT` bytes.
        unsafe {
            let mut c = self.reserve(SHORT_ROOM);
            c.array([tag, low(4 + key.len() + len), 0x0A, low(key.len())]);
            c.short_bytes(key);
            match value {
                Scalar::Bytes(of, bytes) => {
                    c.array([0x12, low(len), of, low(bytes.len())]);
                    c.short_bytes(bytes);
                }
                Scalar::Varint(of, number) => {
                    c.array([0x12, low(len), of]);
                    c.varint(number);
                }
                Scalar::Fixed64(of, number) => {
                    c.array([0x12, low(len), of]);
                    c.array(number.to_le_bytes());
                }
            }
            self.take_over(&c);
        }
        true
    }

    /// Appends the fields of a span. Its name must be shorter than 128 bytes.
    #[inline(always)]
    pub fn plain_span(&mut self, span: &PlainSpan<'_>) {
        // Ids, parent, name, kind, times, status and flags.
        const FIXED: usize = 18 + 10 + 10 + 2 + 2 + 9 + 9 + 4 + 6;
        debug_assert!(span.name.len() < 0x80 && span.kind < 0x80 && span.status_code < 0x80);
        // SAFETY: all fixed parts, name and attributes were reserved.
        unsafe {
            let mut c = self.reserve(FIXED + span.name.len() + span.attributes.len());
            c.array([0x0A, 16]);
            c.array(span.trace_id);
            c.array([0x12, 8]);
            c.array(span.span_id);
            if let Some(parent) = span.parent {
                c.array([0x22, 8]);
                c.array(parent);
            }
            if !span.name.is_empty() {
                c.array([0x2A, low(span.name.len())]);
                c.short_bytes(span.name);
            }
            c.array([0x30, span.kind]);
            time(&mut c, 0x39, span.start);
            time(&mut c, 0x41, span.end);
            c.bytes(span.attributes);
            if span.status_code == 0 {
                c.array([0x7A, 0]);
            } else {
                c.array([0x7A, 2, 0x18, span.status_code]);
            }
            c.array([0x85, 0x01]);
            c.array(span.flags.to_le_bytes());
            self.take_over(&c);
        }
    }
}

/// # Safety
/// Nine reserved bytes are left.
#[inline(always)]
unsafe fn time(c: &mut Cursor, tag: u8, time: u64) {
    if time != 0 {
        // SAFETY: by the caller's promise.
        unsafe {
            c.byte(tag);
            c.array(time.to_le_bytes());
        }
    }
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "lengths below 128")]
const fn low(len: usize) -> u8 {
    debug_assert!(len < 0x80);
    len as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protobuf::write;

    const TAG: u8 = 0x4A;

    /// What both ways write, and whether the short one was taken.
    fn both(key: &[u8], value: Scalar<'_>) -> (Region, Region, bool) {
        let (mut short, mut general) = (Region::with_capacity(SHORT_ROOM), Region::new());
        let is_short = short.short_attribute(TAG, key, value);
        match value {
            Scalar::Bytes(of, bytes) => general.key_value_bytes(TAG, key, of, bytes),
            Scalar::Varint(of, number) => general.key_value_varint(TAG, key, of, number),
            Scalar::Fixed64(of, number) => general.key_value_fixed64(TAG, key, of, number),
        }
        (short, general, is_short)
    }

    #[test]
    fn a_short_attribute_is_what_the_general_writer_writes() {
        let text = [b'x'; 200];
        for key in [
            0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 64, 65, 100, 110, 119, 120, 121, 200,
        ] {
            let sizes = [0, 1, 3, 5, 9, 17, 33, 64, 100, 117, 118, 119, 120, 200];
            let texts = sizes.map(|len| Scalar::Bytes(0x0A, &text[..len]));
            let numbers = [0, 1, 127, 128, u64::MAX].map(|number| Scalar::Varint(0x18, number));
            for value in texts.into_iter().chain(numbers).chain([Scalar::Fixed64(0x21, 1 << 60)]) {
                let (short, general, is_short) = both(&text[..key], value);
                assert!(if is_short {
                    short.as_slice() == general.as_slice()
                } else {
                    short.is_empty() && (key == 0 || general.len() > SHORT - 12)
                });
            }
        }
    }

    #[test]
    fn without_room_nothing_is_written() {
        let mut region = Region::with_capacity(SHORT_ROOM - 1);
        assert!(!region.short_attribute(TAG, b"key", Scalar::Varint(0x18, 1)));
        assert!(region.is_empty());
        region.provide(SHORT_ROOM);
        assert!(region.short_attribute(TAG, b"key", Scalar::Varint(0x18, 1)));
    }

    #[test]
    fn a_plain_span_is_what_the_general_writer_writes() {
        let long = [b'n'; 127];
        for (name, parent, times, code) in [
            (&b""[..], None, (0, 0), 0),
            (b"name", Some([0xCC; 8]), (1, 2), 1),
            (&long, Some([0; 8]), (u64::MAX, 1), 127),
        ] {
            let (mut plain, mut general) = (Region::new(), Region::new());
            plain.plain_span(&PlainSpan {
                trace_id: [0xAA; 16],
                span_id: [0xBB; 8],
                parent,
                name,
                kind: 5,
                start: times.0,
                end: times.1,
                attributes: b"attributes",
                status_code: code,
                flags: 0x0000_0301,
            });
            general.ids(0x0A, [0xAA; 16], 0x12, [0xBB; 8]);
            if let Some(parent) = parent {
                general.id8(0x22, parent);
            }
            write::bytes_field(&mut general, 0x2A, name);
            general.span_kind_and_times(0x30, 5, (0x39, times.0), (0x41, times.1));
            general.raw(b"attributes");
            let status = general.open_short(0x7A_u8);
            write::varint_field(&mut general, 0x18, code.into());
            general.close(status);
            general.fixed32_field(0x85, 0x0301);
            assert_eq!(plain.as_slice(), general.as_slice());
        }
    }
}
