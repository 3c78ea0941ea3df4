//! The finished frame: the parts of a record as one `Span` message, in the order of the fields.
//!
//! It is what `encode_spans(w3c_flags=True)` writes for a span of the SDK: defaults are left out, but the status and the
//! flags are always there. A frame begins with the trace id and the span id at fixed offsets.

use spanwire_wire::arena::{PlainSpan, Region};
use spanwire_wire::tag::{self, fixed32_tag, fixed64_tag, len_tag, varint_tag};
use spanwire_wire::write;

use crate::SpanRecord;

/// Most bytes of a frame beside what has no bound of its own: ids (28), parent (10), kind and times (20), three counts (18),
/// status (1 + 5 + 1 + 5 + 2), flags (6), tags and lengths of trace state and name (12).
const FIXED: usize = 28 + 10 + 20 + 18 + 14 + 6 + 12;

impl SpanRecord {
    /// A frame is at most so long.
    #[must_use]
    #[inline(always)]
    pub fn frame_len_max(&self) -> usize {
        FIXED + self.content_len()
    }

    /// Appends the `Span` message, without a tag or length of its own.
    #[inline]
    pub fn write_frame(&self, out: &mut Region) {
        match self.attributes.whole() {
            Some(attributes) if self.is_plain() => out.plain_span(&PlainSpan {
                trace_id: self.ids.trace_id,
                span_id: self.ids.span_id,
                parent: self.parent().map(|parent| parent.span_id),
                name: self.name.as_slice(),
                kind: self.kind,
                start: self.start,
                end: self.end,
                attributes,
                status_code: self.status_code,
                flags: self.ids.wire_flags(self.parent()),
            }),
            _ => self.write_any_frame(out),
        }
    }

    /// Whether there is nothing that few spans have.
    #[inline(always)]
    fn is_plain(&self) -> bool {
        let dropped = self.attributes.dropped() | self.events.dropped() | self.links.dropped();
        let rare = dropped as usize | self.events.count() | self.links.count();
        rare | self.trace_state.len() | self.status_message.len() == 0
            && self.name.len() < 0x80
            && (self.kind | self.status_code) < 0x80
    }

    #[inline(never)]
    fn write_any_frame(&self, out: &mut Region) {
        out.ids(
            const { len_tag(tag::span::TRACE_ID) },
            self.ids.trace_id,
            const { len_tag(tag::span::SPAN_ID) },
            self.ids.span_id,
        );
        write::bytes_field(
            out,
            const { len_tag(tag::span::TRACE_STATE) },
            self.trace_state.as_slice(),
        );
        if self.has_parent {
            out.id8(const { len_tag(tag::span::PARENT_SPAN_ID) }, self.parent.span_id);
        }
        write::bytes_field(out, const { len_tag(tag::span::NAME) }, self.name.as_slice());
        out.span_kind_and_times(
            const { varint_tag(tag::span::KIND) },
            self.kind,
            (const { fixed64_tag(tag::span::START_TIME_UNIX_NANO) }, self.start),
            (const { fixed64_tag(tag::span::END_TIME_UNIX_NANO) }, self.end),
        );
        self.attributes.write(out);
        let counts = self.attributes.dropped() | self.events.dropped() | self.links.dropped();
        if counts != 0 || self.events.len() != 0 || self.links.len() != 0 {
            self.counts_and_items(out);
        }
        self.status(out);
        out.fixed32_field(
            const { fixed32_tag(tag::span::FLAGS) },
            self.ids.wire_flags(self.parent()),
        );
    }

    fn counts_and_items(&self, out: &mut Region) {
        let dropped = [self.attributes.dropped(), self.events.dropped(), self.links.dropped()].map(u64::from);
        write::varint_field(
            out,
            const { varint_tag(tag::span::DROPPED_ATTRIBUTES_COUNT) },
            dropped[0],
        );
        out.raw(self.events.live());
        write::varint_field(out, const { varint_tag(tag::span::DROPPED_EVENTS_COUNT) }, dropped[1]);
        out.raw(self.links.live());
        write::varint_field(out, const { varint_tag(tag::span::DROPPED_LINKS_COUNT) }, dropped[2]);
    }

    fn status(&self, out: &mut Region) {
        const STATUS: u8 = len_tag(tag::span::STATUS);
        if self.status_message.is_empty() && self.status_code < 0x80 {
            match self.status_code {
                0 => out.raw(&[STATUS, 0]),
                code => out.raw(&[STATUS, 2, const { varint_tag(tag::status::CODE) }, code]),
            }
            return;
        }
        let message = out.open_short(STATUS);
        write::bytes_field(
            out,
            const { len_tag(tag::status::MESSAGE) },
            self.status_message.as_slice(),
        );
        write::varint_field(out, const { varint_tag(tag::status::CODE) }, self.status_code.into());
        out.close(message);
    }
}

#[cfg(test)]
mod tests {
    use spanwire_wire::SpanView;

    use super::*;
    use crate::{Limits, SpanContext};

    fn frame(record: &SpanRecord) -> Vec<u8> {
        let mut out = Region::new();
        record.write_frame(&mut out);
        assert!(out.len() <= record.frame_len_max());
        out.into_vec()
    }

    const IDS: SpanContext = SpanContext {
        trace_id: [0xAA; 16],
        span_id: [0xBB; 8],
        flags: 3,
        is_remote: 0,
        unused: [0; 6],
    };

    /// All parts by hand, as the .proto files have them.
    #[test]
    fn a_frame_has_all_fields_in_order() {
        let mut record = SpanRecord::new();
        let limits = Limits {
            attributes: 2,
            events: 1,
            links: 1,
        };
        let parent = SpanContext {
            span_id: [0xCC; 8],
            flags: 1,
            is_remote: 1,
            ..IDS
        };
        record.begin(limits, Some(&parent), &IDS, b"old", 3, 1);
        let _ = record.set_str(b"gone", 1, b"x");
        let _ = record.set_int(b"i", 2, -1);
        let _ = record.set_double(b"d", 3, 1.0);
        record.drop_attributes(4);
        let _ = record.add_event(b"first", 9, b"", 0);
        let _ = record.add_event(b"e", 0, b"\x1A\x00", 6);
        let _ = record.add_link(&parent, b"k=v", b"\x22\x00", 7);
        let _ = record.add_link(&IDS, b"", b"", 0);
        let _ = record.set_name(b"name");
        let _ = record.set_trace_state(b"a=b");
        let _ = record.set_status(2, b"bad");
        assert!(record.end(2));

        let mut expected = vec![0x0A, 16];
        expected.extend([0xAA; 16]);
        expected.extend([0x12, 8]);
        expected.extend([0xBB; 8]);
        expected.extend(b"\x1A\x03a=b\x22\x08");
        expected.extend([0xCC; 8]);
        expected.extend(b"\x2A\x04name\x30\x03");
        expected.extend(b"\x39\x01\0\0\0\0\0\0\0\x41\x02\0\0\0\0\0\0\0");
        expected.extend(b"\x4A\x10\x0A\x01i\x12\x0B\x18\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01");
        expected.extend(b"\x4A\x0E\x0A\x01d\x12\x09\x21\0\0\0\0\0\0\xF0\x3F\x50\x05");
        expected.extend(b"\x5A\x07\x12\x01e\x1A\x00\x20\x06\x60\x01");
        expected.extend([0x6A, 33, 0x0A, 16]);
        expected.extend([0xAA; 16]);
        expected.extend([0x12, 8]);
        expected.extend([0xBB; 8]);
        expected.extend(b"\x35\x03\x01\0\0\x70\x01");
        expected.extend(b"\x7A\x07\x12\x03bad\x18\x02\x85\x01\x03\x03\0\0");
        assert_eq!(frame(&record), expected);
    }

    #[test]
    fn of_a_plain_span_defaults_are_left_out_but_for_status_and_flags() {
        let mut record = SpanRecord::new();
        record.begin(Limits::default(), None, &IDS, b"", 1, 0);
        let bytes = frame(&record);
        assert_eq!(bytes[28..], *b"\x30\x01\x7A\x00\x85\x01\x03\x01\0\0");
        for (code, len) in [(0, 2), (1, 4), (2, 4), (200, 5)] {
            let _ = record.set_status(code, b"");
            assert_eq!(frame(&record).len(), 28 + 2 + len + 6);
            let bytes = frame(&record);
            assert_eq!(
                i32::from(SpanView::new(&bytes).unwrap().status().code()),
                i32::from(code)
            );
        }
    }

    #[test]
    fn counts_alone_are_written() {
        let mut record = SpanRecord::new();
        let none = Limits {
            attributes: 0,
            events: 0,
            links: 0,
        };
        record.begin(none, None, &IDS, b"", 1, 0);
        let _ = record.set_bool(b"a", 1, true);
        let _ = record.add_event(b"e", 1, b"", 0);
        let _ = record.add_event(b"e", 1, b"", 0);
        let _ = record.add_link(&IDS, b"", b"", 0);
        assert_eq!(frame(&record)[30..36], *b"\x50\x01\x60\x02\x70\x01");
    }
}
