//! Spans: their table, and the quick way through one.

use spanwire_wire::read::Message;
use spanwire_wire::tag::{fixed32_tag, fixed64_tag, len_tag, span, status, varint_tag};

use super::attributes::Attributes;
use super::cursor::Cursor;
use super::error::{DecodeError, Halt};
use super::lazy::{Lazy, LazyViews};
use super::limits::Limits;
use super::views::{View, Views, reserve};
use super::{DEFAULT_FLAGS, Pass};

/// The columns of spans under construction, but for events and links.
#[derive(Debug)]
pub(super) struct SpanRows<'a> {
    pub trace_ids: Vec<[u8; 16]>,
    pub span_ids: Vec<[u8; 8]>,
    pub parents: Lazy<[u8; 8]>,
    pub trace_states: LazyViews,
    pub names: Views,
    pub kinds: Vec<i32>,
    pub starts: Vec<u64>,
    pub ends: Vec<u64>,
    pub attributes: Attributes<'a>,
    pub dropped_attributes: Lazy<u32>,
    pub dropped_events: Lazy<u32>,
    pub dropped_links: Lazy<u32>,
    pub status_codes: Lazy<i32>,
    pub status_messages: LazyViews,
    pub flags: Lazy<u32>,
}

/// A span but for attributes, events and links.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_field_names, reason = "as in the .proto file")]
pub(super) struct Span {
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
    pub parent: [u8; 8],
    pub trace_state: View,
    pub name: View,
    pub kind: i32,
    pub start: u64,
    pub end: u64,
    pub dropped_attributes: u32,
    pub dropped_events: u32,
    pub dropped_links: u32,
    pub status_code: i32,
    pub status_message: View,
    pub flags: u32,
}

impl<'a> SpanRows<'a> {
    pub fn new(limits: Limits<'a>) -> Self {
        Self {
            trace_ids: Vec::new(),
            span_ids: Vec::new(),
            parents: Lazy::new([0; 8]),
            trace_states: LazyViews::default(),
            names: Views::default(),
            kinds: Vec::new(),
            starts: Vec::new(),
            ends: Vec::new(),
            attributes: Attributes::new(limits),
            dropped_attributes: Lazy::new(0),
            dropped_events: Lazy::new(0),
            dropped_links: Lazy::new(0),
            status_codes: Lazy::new(0),
            status_messages: LazyViews::default(),
            flags: Lazy::new(DEFAULT_FLAGS),
        }
    }

    #[inline(always)]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Makes room for so many rows in columns that are in use.
    pub fn reserve(&mut self, rows: usize) {
        reserve(&mut self.trace_ids, rows);
        reserve(&mut self.span_ids, rows);
        self.parents.reserve(rows);
        self.names.reserve(rows);
        reserve(&mut self.kinds, rows);
        reserve(&mut self.starts, rows);
        reserve(&mut self.ends, rows);
        self.attributes.reserve(rows);
        self.flags.reserve(rows);
    }

    /// Adds the span of which attributes, events and links have been added.
    #[inline(always)]
    pub fn add(&mut self, new: &Span) -> Result<(), DecodeError> {
        let row = self.len();
        self.names.push(new.name)?;
        self.trace_states.set(row, new.trace_state)?;
        self.status_messages.set(row, new.status_message)?;
        self.trace_ids.push(new.trace_id);
        self.span_ids.push(new.span_id);
        self.parents.set(row, new.parent);
        self.kinds.push(new.kind);
        self.starts.push(new.start);
        self.dropped_attributes.set(row, new.dropped_attributes);
        self.dropped_events.set(row, new.dropped_events);
        self.dropped_links.set(row, new.dropped_links);
        self.status_codes.set(row, new.status_code);
        self.flags.set(row, new.flags);
        self.ends.push(new.end);
        Ok(())
    }
}

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
