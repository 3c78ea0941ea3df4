//! The finished frame: the parts of a record as one `Span` message, in the order of the fields.
//!
//! It is what `encode_spans(w3c_flags=True)` writes for a span of the SDK: defaults are left out, but the status and the
//! flags are always there. A frame begins with the trace id and the span id at fixed offsets.

use spanwire_wire::arena::Region;
use spanwire_wire::tag::{self, fixed32_tag, fixed64_tag, len_tag, varint_tag};
use spanwire_wire::write;

use crate::SpanRecord;

/// Most bytes of a frame beside what has no bound of its own: ids (28), parent (10), kind and times (20), three counts (18),
/// status (1 + 5 + 1 + 5 + 2), flags (6), tags and lengths of trace state and name (12).
const FIXED: usize = 28 + 10 + 20 + 18 + 14 + 6 + 12;

impl SpanRecord {
    /// A frame is at most so long.
    #[must_use]
    #[inline]
    pub fn frame_len_max(&self) -> usize {
        FIXED + self.content_len()
    }

    /// Appends the `Span` message, without a tag or length of its own.
    #[inline]
    pub fn write_frame(&self, out: &mut Region) {
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

    #[inline(never)]
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

    #[inline(always)]
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
