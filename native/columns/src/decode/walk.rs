//! The walk around the spans: resources and scopes, down to the spans of each.
//!
//! Resource, scope and schema URLs may come behind the spans that they belong to, so rows get their group when the message
//! around them ends.

use spanwire_wire::read::Message;
use spanwire_wire::tag::{WireType, len_tag, resource_spans, scope_spans};
use spanwire_wire::validate::{Part, validate_part};

use super::careful::{Joined, view_of};
use super::cursor::length;
use super::error::Halt;
use super::groups::{GroupHead, Groups};
use super::pass::Pass;
use super::views::View;

/// After so many spans it is guessed how many there will be.
const SAMPLE: usize = 512;

/// A scope whose resource is not known yet.
#[derive(Clone, Copy, Debug)]
struct Pending {
    /// The row behind its last span.
    end: usize,
    scope: Option<View>,
    schema_url: View,
}

impl<'a> Pass<'a> {
    pub fn resource_spans(&mut self, message: Message<'a>) -> Result<(), Halt> {
        let (mut resource, mut schema_url, mut scopes) = (Joined::default(), View::default(), Vec::new());
        for field in message.fields() {
            let field = field?;
            if !matches!(
                field.number(),
                resource_spans::RESOURCE | resource_spans::SCOPE_SPANS | resource_spans::SCHEMA_URL
            ) {
                continue;
            }
            field.expect(WireType::Len)?;
            let inside = field.message();
            match field.number() {
                resource_spans::RESOURCE => {
                    validate_part(Part::Resource, inside)?;
                    resource.add(inside);
                }
                resource_spans::SCHEMA_URL => {
                    inside.utf8()?;
                    schema_url = view_of(inside);
                }
                _ => scopes.extend(self.scope_spans(inside)?),
            }
        }
        let resource = resource.finish(self.input.len(), &mut self.extra);
        if scopes.is_empty() {
            return Ok(());
        }
        let key = Groups::key(resource.map(|view| self.bytes(view)), self.bytes(schema_url));
        let of = self.groups.resource(key);
        for pending in scopes {
            let key = Groups::key(
                pending.scope.map(|view| self.bytes(view)),
                self.bytes(pending.schema_url),
            );
            let head = GroupHead {
                resource,
                resource_schema_url: schema_url,
                scope: pending.scope,
                scope_schema_url: pending.schema_url,
            };
            self.groups.add(of, key, head, pending.end);
        }
        Ok(())
    }

    /// Adds the spans of a scope; none if it has none.
    fn scope_spans(&mut self, message: Message<'a>) -> Result<Option<Pending>, Halt> {
        let (mut scope, mut schema_url) = (Joined::default(), View::default());
        let before = self.spans.len();
        let end = message.offset() + message.bytes().len();
        self.at = message.offset();
        while self.at < end {
            let rest = self.input.get(self.at..end).unwrap_or_default();
            if let Some((start, span_end)) = next_span(rest, self.at) {
                self.span(start, span_end)?;
                if self.spans.len() == SAMPLE {
                    self.reserve(span_end);
                }
                self.at = span_end;
                continue;
            }
            let mut fields = Message::at(rest, self.at).fields();
            let Some(field) = fields.next() else { break };
            let field = field?;
            self.at = fields.offset();
            let inside = field.message();
            if matches!(
                field.number(),
                scope_spans::SCOPE | scope_spans::SPANS | scope_spans::SCHEMA_URL
            ) {
                field.expect(WireType::Len)?;
            }
            match field.number() {
                scope_spans::SCOPE => {
                    validate_part(Part::Scope, inside)?;
                    scope.add(inside);
                }
                // Its tag or length is padded.
                scope_spans::SPANS => self.span(inside.offset(), inside.offset() + inside.bytes().len())?,
                scope_spans::SCHEMA_URL => {
                    inside.utf8()?;
                    schema_url = view_of(inside);
                }
                _ => {}
            }
        }
        let scope = scope.finish(self.input.len(), &mut self.extra);
        Ok((self.spans.len() > before).then_some(Pending {
            end: self.spans.len(),
            scope,
            schema_url,
        }))
    }

    fn bytes(&self, view: View) -> &[u8] {
        let bytes = match view.start.checked_sub(self.input.len()) {
            Some(start) if view.len > 0 => self.extra.get(start..start + view.len),
            _ => self.input.get(view.start..view.start + view.len),
        };
        bytes.unwrap_or_default()
    }
}

/// Where the span that `rest` begins with starts and ends in the input, of which `rest` starts at `at`.
#[inline(always)]
fn next_span(rest: &[u8], at: usize) -> Option<(usize, usize)> {
    let (&tag, behind) = rest.split_first()?;
    if tag != len_tag(scope_spans::SPANS) {
        return None;
    }
    let (len, header) = length(behind)?;
    let start = at + 1 + header;
    (len <= behind.len() - header).then_some((start, start + len))
}
