//! Events and links: tables of their own, with offsets that say whose they are.

use spanwire_wire::tag::{event, fixed32_tag, fixed64_tag, len_tag, link, varint_tag};

use super::attributes::Attributes;
use super::cursor::Cursor;
use super::error::{DecodeError, Halt};
use super::lazy::{Lazy, LazyViews, Offsets};
use super::limits::Limits;
use super::tables::{DEFAULT_FLAGS, Events, Links};
use super::views::{View, Views};

/// Events under construction.
#[derive(Debug)]
pub(super) struct EventRows<'a> {
    offsets: Offsets,
    times: Vec<u64>,
    names: Views,
    pub attributes: Attributes<'a>,
    dropped: Lazy<u32>,
}

/// An event but for its attributes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Event {
    pub time: u64,
    pub name: View,
    pub dropped: u32,
}

impl<'a> EventRows<'a> {
    pub fn new(limits: Limits<'a>) -> Self {
        Self {
            offsets: Offsets::default(),
            times: Vec::new(),
            names: Views::default(),
            attributes: Attributes::new(limits),
            dropped: Lazy::new(0),
        }
    }

    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Adds an event of `span` by the quick way.
    pub fn add_quickly(&mut self, span: usize, mut message: Cursor<'a>) -> Result<(), Halt> {
        const TIME: u8 = fixed64_tag(event::TIME_UNIX_NANO);
        const NAME: u8 = len_tag(event::NAME);
        const ATTRIBUTE: u8 = len_tag(event::ATTRIBUTES);
        const DROPPED: u8 = varint_tag(event::DROPPED_ATTRIBUTES_COUNT);

        let mut new = Event::default();
        if message.tag(TIME) {
            new.time = message.fixed64().ok_or(Halt::Odd)?;
        }
        if message.tag(NAME) {
            new.name = message.text().ok_or(Halt::Odd)?.view();
        }
        let mut open = self.attributes.open(self.len());
        while message.tag(ATTRIBUTE) {
            self.attributes
                .add_quickly(&mut open, message.delimited().ok_or(Halt::Odd)?)?;
        }
        if message.tag(DROPPED) {
            new.dropped = message.varint_low32().ok_or(Halt::Odd)?;
        }
        if !message.is_empty() {
            return Err(Halt::Odd);
        }
        self.add(span, new)?;
        Ok(())
    }

    /// Adds the event of which the attributes have been added.
    pub fn add(&mut self, span: usize, new: Event) -> Result<(), DecodeError> {
        let row = self.len();
        self.offsets.add(span, row);
        self.names.push(new.name)?;
        self.dropped.set(row, new.dropped);
        self.times.push(new.time);
        Ok(())
    }

    /// Forgets `span` and its events: all from `rows` on.
    pub fn undo(&mut self, span: usize, rows: usize, ragged: usize) {
        self.offsets.truncate(span);
        self.times.truncate(rows);
        self.names.resize(rows.min(self.names.len()));
        self.dropped.truncate(rows);
        self.attributes.undo(rows, ragged);
    }

    pub fn finish(self, spans: usize) -> Option<Events> {
        let rows = self.len();
        (rows > 0).then(|| Events {
            offsets: self.offsets.finish(spans, rows),
            time: self.times,
            name: self.names,
            attributes: self.attributes.finish(rows),
            dropped_attributes_count: self.dropped.finish(rows),
        })
    }
}

/// Links under construction.
#[derive(Debug)]
pub(super) struct LinkRows<'a> {
    offsets: Offsets,
    trace_ids: Vec<[u8; 16]>,
    span_ids: Vec<[u8; 8]>,
    trace_states: LazyViews,
    pub attributes: Attributes<'a>,
    dropped: Lazy<u32>,
    flags: Lazy<u32>,
}

/// A link but for its attributes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Link {
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
    pub trace_state: View,
    pub dropped: u32,
    pub flags: u32,
}

impl<'a> LinkRows<'a> {
    pub fn new(limits: Limits<'a>) -> Self {
        Self {
            offsets: Offsets::default(),
            trace_ids: Vec::new(),
            span_ids: Vec::new(),
            trace_states: LazyViews::default(),
            attributes: Attributes::new(limits),
            dropped: Lazy::new(0),
            flags: Lazy::new(DEFAULT_FLAGS),
        }
    }

    pub fn len(&self) -> usize {
        self.span_ids.len()
    }

    /// Adds a link of `span` by the quick way.
    pub fn add_quickly(&mut self, span: usize, mut message: Cursor<'a>) -> Result<(), Halt> {
        const TRACE_ID: u8 = len_tag(link::TRACE_ID);
        const SPAN_ID: u8 = len_tag(link::SPAN_ID);
        const TRACE_STATE: u8 = len_tag(link::TRACE_STATE);
        const ATTRIBUTE: u8 = len_tag(link::ATTRIBUTES);
        const DROPPED: u8 = varint_tag(link::DROPPED_ATTRIBUTES_COUNT);
        const FLAGS: u8 = fixed32_tag(link::FLAGS).to_le_bytes()[0];

        let mut new = Link::default();
        if message.tag(TRACE_ID) {
            new.trace_id = message.id().ok_or(Halt::Odd)?;
        }
        if message.tag(SPAN_ID) {
            new.span_id = message.id().ok_or(Halt::Odd)?;
        }
        if message.tag(TRACE_STATE) {
            new.trace_state = message.text().ok_or(Halt::Odd)?.view();
        }
        let mut open = self.attributes.open(self.len());
        while message.tag(ATTRIBUTE) {
            self.attributes
                .add_quickly(&mut open, message.delimited().ok_or(Halt::Odd)?)?;
        }
        if message.tag(DROPPED) {
            new.dropped = message.varint_low32().ok_or(Halt::Odd)?;
        }
        if message.tag(FLAGS) {
            new.flags = message.fixed32().ok_or(Halt::Odd)?;
        }
        if !message.is_empty() {
            return Err(Halt::Odd);
        }
        self.add(span, new)?;
        Ok(())
    }

    /// Adds the link of which the attributes have been added.
    pub fn add(&mut self, span: usize, new: Link) -> Result<(), DecodeError> {
        let row = self.len();
        self.offsets.add(span, row);
        self.trace_ids.push(new.trace_id);
        self.span_ids.push(new.span_id);
        self.trace_states.set(row, new.trace_state)?;
        self.dropped.set(row, new.dropped);
        self.flags.set(row, new.flags);
        Ok(())
    }

    /// Forgets `span` and its links: all from `rows` on.
    pub fn undo(&mut self, span: usize, rows: usize, ragged: usize) {
        self.offsets.truncate(span);
        self.trace_ids.truncate(rows);
        self.span_ids.truncate(rows);
        self.trace_states.truncate(rows);
        self.dropped.truncate(rows);
        self.flags.truncate(rows);
        self.attributes.undo(rows, ragged);
    }

    pub fn finish(self, spans: usize) -> Option<Links> {
        let rows = self.len();
        (rows > 0).then(|| Links {
            offsets: self.offsets.finish(spans, rows),
            trace_id: self.trace_ids,
            span_id: self.span_ids,
            trace_state: self.trace_states.finish(rows),
            attributes: self.attributes.finish(rows),
            dropped_attributes_count: self.dropped.finish(rows),
            flags: self.flags.finish(rows),
        })
    }
}
