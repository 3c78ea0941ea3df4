//! Eager checks of whole requests, before they are acknowledged.

use crate::error::DecodeError;
use crate::read::Message;
use crate::schema::{self, Kind, Type};
use crate::tag::{export_request, resource_spans, scope_spans};
use crate::value::deeper;

/// How much a request holds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// `ResourceSpans` messages.
    pub resources: usize,
    /// `ScopeSpans` messages.
    pub scopes: usize,
    /// Spans.
    pub spans: usize,
}

/// Walks all of an `ExportTraceServiceRequest`, down to the last value. After it no lazy reader of the same bytes
/// meets an error. Time is linear in the bytes; the stack is bounded by [`MAX_DEPTH`](crate::read::MAX_DEPTH).
///
/// Stricter than protobuf's own parsers in this: a known field with a wrong wire type is an error, not an unknown
/// field; a ten-byte varint must fit 64 bits; ids have their length or none.
pub fn validate(bytes: &[u8]) -> Result<Counts, DecodeError> {
    let mut counts = Counts::default();
    walk(Message::new(bytes), Type::Request, 0, &mut counts)?;
    Ok(counts)
}

/// Counts the spans of a request without a look into them: only the messages around them must be well-formed.
pub fn count_spans(bytes: &[u8]) -> Result<usize, DecodeError> {
    let mut spans = 0;
    for field in Message::new(bytes).fields() {
        let field = field?.checked(Type::Request)?;
        if field.number() != export_request::RESOURCE_SPANS {
            continue;
        }
        for field in field.message().fields() {
            let field = field?.checked(Type::ResourceSpans)?;
            if field.number() != resource_spans::SCOPE_SPANS {
                continue;
            }
            for field in field.message().fields() {
                spans += usize::from(field?.checked(Type::ScopeSpans)?.number() == scope_spans::SPANS);
            }
        }
    }
    Ok(spans)
}

fn walk(message: Message<'_>, of: Type, depth: u8, counts: &mut Counts) -> Result<(), DecodeError> {
    for field in message.fields() {
        let field = field?;
        let Some(kind) = schema::kind(of, field.number()) else {
            continue;
        };
        field.expect(kind.wire_type())?;
        let payload = field.message();
        match kind {
            Kind::Bytes | Kind::Fixed32 | Kind::Fixed64 | Kind::Varint => {}
            Kind::Utf8 => drop(payload.utf8()?),
            Kind::TraceId => drop(payload.trace_id()?),
            Kind::SpanId => drop(payload.span_id()?),
            Kind::Message(inner) => {
                let mut depth = depth;
                match inner {
                    Type::ResourceSpans => counts.resources += 1,
                    Type::ScopeSpans => counts.scopes += 1,
                    Type::Span => counts.spans += 1,
                    Type::ArrayValue | Type::KeyValueList => depth = deeper(depth, &field)?,
                    _ => {}
                }
                walk(payload, inner, depth, counts)?;
            }
        }
    }
    Ok(())
}
