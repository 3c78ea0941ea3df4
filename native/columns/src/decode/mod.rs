//! Requests to columns: one strict pass over the bytes.
//!
//! [`decode`] takes exactly what [`spanwire_wire::validate`] takes, and refuses the rest with the same error. There are two ways
//! through a span. The quick one knows the shapes that encoders write (fields in order, each once) and expects of each attribute
//! the key that came there before, so that keys are compared and not looked up. What it does not expect it leaves untouched to
//! the careful one, which reads by wire's readers and follows protobuf in everything: any order, merged messages, last
//! occurrences, unknown fields. Those, and whatever else has no column here, are left out.
//!
//! Strings are not copied: columns of them are [`Views`] of the input. Memory is bounded by the input's length and the number of
//! spans: see [`decode`].

mod attributes;
mod careful;
mod column;
mod cursor;
mod error;
mod groups;
mod items;
mod lazy;
mod limits;
mod pass;
mod quick;
mod span;
mod tables;
mod views;
mod walk;

use limits::{Limits, Table};
use pass::Pass;

pub use column::Values;
pub use error::DecodeError;
use error::Halt;
pub use groups::GroupHead;
pub use tables::{AttributeColumn, AttributeTable, DEFAULT_FLAGS, Events, Links, RaggedAttributes};
pub use views::{View, Views};

/// The spans of a request as columns of [`rows`](Self::rows) values each. A column that is `None` holds the default everywhere:
/// zeros, the empty string, [`DEFAULT_FLAGS`].
#[derive(Debug)]
pub struct Decoded {
    /// How many spans.
    pub rows: usize,
    /// Trace ids; zeros where absent.
    pub trace_id: Vec<[u8; 16]>,
    /// Span ids; zeros where absent.
    pub span_id: Vec<[u8; 8]>,
    /// Span ids of parents; zeros for a root.
    pub parent_span_id: Option<Vec<[u8; 8]>>,
    /// W3C trace states.
    pub trace_state: Option<Views>,
    /// Names.
    pub name: Views,
    /// Kinds, as numbered by OTLP.
    pub kind: Vec<i32>,
    /// Starts in nanoseconds since the epoch.
    pub start: Vec<u64>,
    /// Ends in nanoseconds since the epoch.
    pub end: Vec<u64>,
    /// Attributes.
    pub attributes: AttributeTable,
    /// Attributes that senders dropped.
    pub dropped_attributes_count: Option<Vec<u32>>,
    /// Events; none if no span has any.
    pub events: Option<Events>,
    /// Events that senders dropped.
    pub dropped_events_count: Option<Vec<u32>>,
    /// Links; none if no span has any.
    pub links: Option<Links>,
    /// Links that senders dropped.
    pub dropped_links_count: Option<Vec<u32>>,
    /// Status codes, as numbered by OTLP.
    pub status_code: Option<Vec<i32>>,
    /// Status messages.
    pub status_message: Option<Views>,
    /// Flags.
    pub flags: Option<Vec<u32>>,
    /// Resources and scopes of spans; each pair once, in order of appearance.
    pub groups: Vec<GroupHead>,
    /// Which of the groups each span is of; none if all are of the first.
    pub group: Option<Vec<u32>>,
    /// What stands in several pieces in the input, put together. Views count its bytes behind the input's.
    pub extra: Vec<u8>,
}

/// Decodes an `ExportTraceServiceRequest`, or several one behind the other.
///
/// Time is linear in the bytes: there are a few passes at most, and more than one only for inputs in which very many keys are
/// each on very few spans. Memory besides the input is at most about 120 bytes a span, 100 an event, 90 a link, 32 an attribute,
/// 48 a group, and six bytes for each byte of the input.
pub fn decode(input: &[u8]) -> Result<Decoded, DecodeError> {
    let limits = |table| Limits::new(table, input.len());
    let mut limits = [limits(Table::Spans), limits(Table::Events), limits(Table::Links)];
    loop {
        let mut pass = Pass::new(input, limits.clone());
        match pass.request().and_then(|()| pass.check()) {
            Ok(()) => return Ok(pass.finish()),
            Err(Halt::Error(error)) => return Err(error),
            Err(Halt::Sparse(table)) => limits[table as usize].tighten(&pass.emptiest(table)),
            Err(Halt::Odd) => unreachable!("the careful way reads or refuses whatever the quick way leaves to it"),
        }
    }
}

impl Pass<'_> {
    fn finish(self) -> Decoded {
        let rows = self.spans.len();
        let (groups, group) = self.groups.finish(rows);
        let spans = self.spans;
        Decoded {
            rows,
            trace_id: spans.trace_ids,
            span_id: spans.span_ids,
            parent_span_id: spans.parents.finish(rows),
            trace_state: spans.trace_states.finish(rows),
            name: spans.names,
            kind: spans.kinds,
            start: spans.starts,
            end: spans.ends,
            attributes: spans.attributes.finish(rows),
            dropped_attributes_count: spans.dropped_attributes.finish(rows),
            events: self.events.finish(rows),
            dropped_events_count: spans.dropped_events.finish(rows),
            links: self.links.finish(rows),
            dropped_links_count: spans.dropped_links.finish(rows),
            status_code: spans.status_codes.finish(rows),
            status_message: spans.status_messages.finish(rows),
            flags: spans.flags.finish(rows),
            groups,
            group,
            extra: self.extra,
        }
    }
}
