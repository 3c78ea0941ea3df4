//! Spans: their table.

use super::attributes::Attributes;
use super::error::DecodeError;
use super::lazy::{Lazy, LazyViews};
use super::limits::Limits;
use super::tables::DEFAULT_FLAGS;
use super::views::{View, Views, reserve};

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
