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
mod span;
mod views;

use groups::Groups;
use items::{EventRows, LinkRows};
use limits::Limits;
use span::SpanRows;
use spanwire_wire::read::Message;
use spanwire_wire::tag::{WireType, export_request};

pub use column::Values;
pub use error::DecodeError;
use error::Halt;
pub use groups::GroupHead;
pub use views::{View, Views};

/// `Span.flags` and `Link.flags` where there is no column of them: not remote, and known to be so.
pub const DEFAULT_FLAGS: u32 = 0x100;

/// Bytes of a span with ids, a name and times.
const LEAST_SPAN: usize = 64;

/// Which attributes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Table {
    Spans,
    Events,
    Links,
}

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

/// Events of spans.
#[derive(Debug)]
pub struct Events {
    /// Span i has the events from `offsets[i]` to `offsets[i + 1]`.
    pub offsets: Vec<i64>,
    /// Times in nanoseconds since the epoch.
    pub time: Vec<u64>,
    /// Names.
    pub name: Views,
    /// Attributes.
    pub attributes: AttributeTable,
    /// Attributes that senders dropped.
    pub dropped_attributes_count: Option<Vec<u32>>,
}

/// Links of spans.
#[derive(Debug)]
pub struct Links {
    /// Span i has the links from `offsets[i]` to `offsets[i + 1]`.
    pub offsets: Vec<i64>,
    /// Trace ids.
    pub trace_id: Vec<[u8; 16]>,
    /// Span ids.
    pub span_id: Vec<[u8; 8]>,
    /// W3C trace states.
    pub trace_state: Option<Views>,
    /// Attributes.
    pub attributes: AttributeTable,
    /// Attributes that senders dropped.
    pub dropped_attributes_count: Option<Vec<u32>>,
    /// Flags.
    pub flags: Option<Vec<u32>>,
}

/// The attributes of spans, events or links. Those of a row are, in their order, the ones in columns and then the ragged ones.
#[derive(Debug, Default)]
pub struct AttributeTable {
    /// A column for each of some keys.
    pub columns: Vec<AttributeColumn>,
    /// What fits in no column.
    pub ragged: Option<RaggedAttributes>,
}

/// The values of one key.
#[derive(Debug)]
pub struct AttributeColumn {
    /// The key.
    pub key: View,
    /// The values.
    pub values: Values,
    /// 1 where there is none; none if there is one everywhere.
    pub absent: Option<Vec<u8>>,
}

/// Attributes row by row.
#[derive(Debug)]
pub struct RaggedAttributes {
    /// Row i has the attributes from `offsets[i]` to `offsets[i + 1]`.
    pub offsets: Vec<i64>,
    /// Keys.
    pub keys: Views,
    /// Encoded `AnyValue` messages.
    pub values: Views,
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

/// One walk over the input.
#[derive(Debug)]
struct Pass<'a> {
    input: &'a [u8],
    spans: SpanRows<'a>,
    events: EventRows<'a>,
    links: LinkRows<'a>,
    groups: Groups,
    extra: Vec<u8>,
    /// Where the next span, or field of a scope, begins.
    at: usize,
    /// How many spans to read carefully before the quick way is tried again: none, or twice as many as the last time.
    careful: u32,
    /// What that began with.
    careful_at_last: u32,
}

impl<'a> Pass<'a> {
    fn new(input: &'a [u8], [spans, events, links]: [Limits<'a>; 3]) -> Self {
        Self {
            input,
            spans: SpanRows::new(spans),
            events: EventRows::new(events),
            links: LinkRows::new(links),
            groups: Groups::default(),
            extra: Vec::new(),
            at: 0,
            careful: 0,
            careful_at_last: 0,
        }
    }

    fn request(&mut self) -> Result<(), Halt> {
        for field in Message::new(self.input).fields() {
            let field = field?;
            if field.number() == export_request::RESOURCE_SPANS {
                field.expect(WireType::Len)?;
                self.resource_spans(field.message())?;
            }
        }
        Ok(())
    }

    /// Makes room for all spans, supposed that those behind `read` are like those before, but not for more than can be a
    /// small multiple of the input.
    #[cold]
    fn reserve(&mut self, read: usize) {
        let rows = self.spans.len();
        let bytes = (read / rows).max(LEAST_SPAN);
        let more = (self.input.len() - read) / bytes;
        if more > rows {
            self.spans.reserve(rows + more + more / 64);
        }
    }

    /// Whether the columns can be finished.
    fn check(&self) -> Result<(), Halt> {
        self.spans.attributes.check(self.spans.len())?;
        self.events.attributes.check(self.events.len())?;
        self.links.attributes.check(self.links.len())
    }

    /// The keys of a table and what their absent values take, the emptiest first, supposed that the rest of the input is like
    /// what was read of it.
    fn emptiest(&self, table: Table) -> Vec<(&'a [u8], usize)> {
        let (attributes, rows) = match table {
            Table::Spans => (&self.spans.attributes, self.spans.len()),
            Table::Events => (&self.events.attributes, self.events.len()),
            Table::Links => (&self.links.attributes, self.links.len()),
        };
        attributes.emptiest((rows + 1).saturating_mul(self.input.len() / self.at.max(1) + 1))
    }

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
