//! The quick way through a span.

use spanwire_wire::read::Message;
use spanwire_wire::tag::{fixed32_tag, fixed64_tag, len_tag, span, status, varint_tag};

use super::cursor::Cursor;
use super::error::Halt;
use super::pass::Pass;
use super::span::Span;

/// Spans that are read carefully in a row.
const MOST_CAREFUL: u32 = 63;

/// How much there was before a span, to go back to.
#[derive(Clone, Copy, Debug)]
struct Before {
    events: usize,
    links: usize,
    /// Ragged attributes of spans, events and links.
    ragged: [usize; 3],
}

impl<'a> Pass<'a> {
    /// Adds the span `input[start..end]`.
    #[inline(always)]
    pub fn span(&mut self, start: usize, end: usize) -> Result<(), Halt> {
        if self.careful > 0 {
            self.careful -= 1;
            return self.read_carefully(start, end);
        }
        let before = Before {
            events: self.events.len(),
            links: self.links.len(),
            ragged: [
                self.spans.attributes.ragged_len(),
                self.events.attributes.ragged_len(),
                self.links.attributes.ragged_len(),
            ],
        };
        match self.span_quickly(Cursor::new(self.input, start, end)) {
            Err(Halt::Odd) => {
                self.undo_span(&before);
                self.read_carefully(start, end)
            }
            Ok(()) => {
                self.careful_at_last = 0;
                Ok(())
            }
            halt => halt,
        }
    }

    #[cold]
    fn read_carefully(&mut self, start: usize, end: usize) -> Result<(), Halt> {
        let bytes = self.input.get(start..end).unwrap_or_default();
        self.span_carefully(Message::at(bytes, start))
    }

    /// Forgets what the quick way did, which costs a look at each column. Where most spans are odd it is tried seldom.
    #[cold]
    fn undo_span(&mut self, before: &Before) {
        self.careful_at_last = (2 * self.careful_at_last + 1).min(MOST_CAREFUL);
        self.careful = self.careful_at_last;
        let row = self.spans.len();
        self.spans.attributes.undo(row, before.ragged[0]);
        self.events.undo(row, before.events, before.ragged[1]);
        self.links.undo(row, before.links, before.ragged[2]);
    }

    #[inline(always)]
    fn span_quickly(&mut self, mut message: Cursor<'a>) -> Result<(), Halt> {
        const TRACE_ID: u8 = len_tag(span::TRACE_ID);
        const SPAN_ID: u8 = len_tag(span::SPAN_ID);
        const TRACE_STATE: u8 = len_tag(span::TRACE_STATE);
        const PARENT: u8 = len_tag(span::PARENT_SPAN_ID);
        const NAME: u8 = len_tag(span::NAME);
        const KIND: u8 = varint_tag(span::KIND);
        const START: u8 = fixed64_tag(span::START_TIME_UNIX_NANO);
        const END: u8 = fixed64_tag(span::END_TIME_UNIX_NANO);
        const ATTRIBUTE: u8 = len_tag(span::ATTRIBUTES);
        const DROPPED_ATTRIBUTES: u8 = varint_tag(span::DROPPED_ATTRIBUTES_COUNT);
        const EVENT: u8 = len_tag(span::EVENTS);
        const DROPPED_EVENTS: u8 = varint_tag(span::DROPPED_EVENTS_COUNT);
        const LINK: u8 = len_tag(span::LINKS);
        const DROPPED_LINKS: u8 = varint_tag(span::DROPPED_LINKS_COUNT);
        const STATUS: u8 = len_tag(span::STATUS);
        const FLAGS: [u8; 2] = [
            fixed32_tag(span::FLAGS).to_le_bytes()[0] | 0x80,
            (fixed32_tag(span::FLAGS) >> 7).to_le_bytes()[0],
        ];

        let row = self.spans.len();
        let mut open = self.spans.attributes.open(row);
        let mut new = Span::default();
        if message.tag(TRACE_ID) {
            new.trace_id = message.id().ok_or(Halt::Odd)?;
        }
        if message.tag(SPAN_ID) {
            new.span_id = message.id().ok_or(Halt::Odd)?;
        }
        if message.tag(TRACE_STATE) {
            new.trace_state = message.text().ok_or(Halt::Odd)?.view();
        }
        if message.tag(PARENT) {
            new.parent = message.id().ok_or(Halt::Odd)?;
        }
        if message.tag(NAME) {
            new.name = message.text().ok_or(Halt::Odd)?.view();
        }
        if message.tag(KIND) {
            new.kind = message.varint_low32().ok_or(Halt::Odd)?.cast_signed();
        }
        if message.tag(START) {
            new.start = message.fixed64().ok_or(Halt::Odd)?;
        }
        if message.tag(END) {
            new.end = message.fixed64().ok_or(Halt::Odd)?;
        }
        while message.tag(ATTRIBUTE) {
            let attribute = message.delimited().ok_or(Halt::Odd)?;
            self.spans.attributes.add_quickly(&mut open, attribute)?;
        }
        if message.tag(DROPPED_ATTRIBUTES) {
            new.dropped_attributes = message.varint_low32().ok_or(Halt::Odd)?;
        }
        while message.tag(EVENT) {
            self.events.add_quickly(row, message.delimited().ok_or(Halt::Odd)?)?;
        }
        if message.tag(DROPPED_EVENTS) {
            new.dropped_events = message.varint_low32().ok_or(Halt::Odd)?;
        }
        while message.tag(LINK) {
            self.links.add_quickly(row, message.delimited().ok_or(Halt::Odd)?)?;
        }
        if message.tag(DROPPED_LINKS) {
            new.dropped_links = message.varint_low32().ok_or(Halt::Odd)?;
        }
        if message.tag(STATUS) {
            status_quickly(message.delimited().ok_or(Halt::Odd)?, &mut new)?;
        }
        if message.tag(FLAGS[0]) {
            if !message.tag(FLAGS[1]) {
                return Err(Halt::Odd);
            }
            new.flags = message.fixed32().ok_or(Halt::Odd)?;
        }
        if !message.is_empty() {
            return Err(Halt::Odd);
        }
        self.spans.add(&new)?;
        Ok(())
    }
}

#[inline(always)]
fn status_quickly(mut message: Cursor<'_>, new: &mut Span) -> Result<(), Halt> {
    if message.tag(len_tag(status::MESSAGE)) {
        new.status_message = message.text().ok_or(Halt::Odd)?.view();
    }
    if message.tag(varint_tag(status::CODE)) {
        new.status_code = message.varint_low32().ok_or(Halt::Odd)?.cast_signed();
    }
    if message.is_empty() { Ok(()) } else { Err(Halt::Odd) }
}
