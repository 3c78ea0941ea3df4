//! [`Pass`]: one walk over the input, and the columns that it makes.

use spanwire_wire::read::Message;
use spanwire_wire::tag::{WireType, export_request};

use super::error::Halt;
use super::groups::Groups;
use super::items::{EventRows, LinkRows};
use super::limits::{Limits, Table};
use super::span::SpanRows;

/// Bytes of a span with ids, a name and times.
const LEAST_SPAN: usize = 64;

/// One walk over the input.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    pub input: &'a [u8],
    pub spans: SpanRows<'a>,
    pub events: EventRows<'a>,
    pub links: LinkRows<'a>,
    pub groups: Groups,
    pub extra: Vec<u8>,
    /// Where the next span, or field of a scope, begins.
    pub at: usize,
    /// How many spans to read carefully before the quick way is tried again: none, or twice as many as the last time.
    pub careful: u32,
    /// What that began with.
    pub careful_at_last: u32,
}

impl<'a> Pass<'a> {
    pub fn new(input: &'a [u8], [spans, events, links]: [Limits<'a>; 3]) -> Self {
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

    pub fn request(&mut self) -> Result<(), Halt> {
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
    pub fn reserve(&mut self, read: usize) {
        let rows = self.spans.len();
        let bytes = (read / rows).max(LEAST_SPAN);
        let more = (self.input.len() - read) / bytes;
        if more > rows {
            self.spans.reserve(rows + more + more / 64);
        }
    }

    /// Whether the columns can be finished.
    pub fn check(&self) -> Result<(), Halt> {
        self.spans.attributes.check(self.spans.len())?;
        self.events.attributes.check(self.events.len())?;
        self.links.attributes.check(self.links.len())
    }

    /// The keys of a table and what their absent values take, the emptiest first, supposed that the rest of the input is like
    /// what was read of it.
    pub fn emptiest(&self, table: Table) -> Vec<(&'a [u8], usize)> {
        let (attributes, rows) = match table {
            Table::Spans => (&self.spans.attributes, self.spans.len()),
            Table::Events => (&self.events.attributes, self.events.len()),
            Table::Links => (&self.links.attributes, self.links.len()),
        };
        attributes.emptiest((rows + 1).saturating_mul(self.input.len() / self.at.max(1) + 1))
    }
}
