//! Eager checks of whole requests, before they are acknowledged.

use crate::protobuf::error::DecodeError;
use crate::protobuf::read::Message;
use crate::protobuf::tag::WireType;
use crate::protobuf::value::deeper;
use crate::schema::{self, Kind, Type};
use crate::signal::Signal;
use quick::Next;

mod quick;

/// Fields in an attribute that is looked at as a whole: its key, its value, and that value's member.
const ATTRIBUTE_FIELDS: usize = 3;

/// How much a request holds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Resources with their scopes, such as `ResourceSpans`.
    pub resources: usize,
    /// Scopes with their items, such as `ScopeSpans`.
    pub scopes: usize,
    /// Spans, log records, metrics or profiles.
    pub items: usize,
    /// What the items [weigh](Signal::weigh): data points of metrics, otherwise as many as the items.
    pub points: usize,
}

/// Walks all of an export request of `signal`, down to the last value. After it no lazy reader of the same bytes
/// meets an error. Time is linear in the bytes; the stack is bounded by [`MAX_DEPTH`](crate::protobuf::read::MAX_DEPTH).
///
/// Stricter than protobuf's own parsers in this: a known field with a wrong wire type is an error, not an unknown
/// field; a ten-byte varint must fit 64 bits; ids have their length or none.
pub fn validate(signal: Signal, bytes: &[u8]) -> Result<Counts, DecodeError> {
    let mut walk = Walk::new(bytes);
    walk.message(signal.request(), 0, bytes.len(), 0)?;
    if signal != Signal::Metrics {
        walk.counts.points = walk.counts.items;
    }
    Ok(walk.counts)
}

/// A message within a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// The value of an attribute, in no array or map.
    AnyValue,
    /// A resource.
    Resource,
    /// A scope.
    Scope,
    /// An item of a signal.
    Item(Signal),
}

/// Walks one message of a request as [`validate`] walks it there: for readers that meet the messages one by one, in the
/// order of the wire, and want the same error.
pub fn validate_part(part: Part, message: Message<'_>) -> Result<(), DecodeError> {
    let of = match part {
        Part::AnyValue => Type::AnyValue,
        Part::Resource => Type::Resource,
        Part::Scope => Type::Scope,
        Part::Item(signal) => signal.item(),
    };
    let bytes = message.bytes();
    Walk::new(bytes)
        .message(of, 0, bytes.len(), 0)
        .map_err(|error| DecodeError {
            offset: message.offset() + error.offset,
            ..error
        })
}

/// What is walked, and what was counted in it.
struct Walk<'a> {
    bytes: &'a [u8],
    counts: Counts,
    /// Points in front of the metric that is walked, and which member of its oneof came last.
    before: usize,
    data: Option<Type>,
}

impl<'a> Walk<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            counts: Counts::default(),
            before: 0,
            data: None,
        }
    }

    /// The message of type `of` from `at` to `end`, which is within the bytes.
    fn message(&mut self, of: Type, mut at: usize, end: usize, depth: u8) -> Result<(), DecodeError> {
        while at < end {
            at = match quick::next(self.bytes, of, at, end) {
                Next::Good(next) => {
                    step(1);
                    next
                }
                Next::Message(inner, from, to) => {
                    step(1);
                    match inner {
                        Type::KeyValue if quick::is_good_attribute(self.bytes, from, to) => step(ATTRIBUTE_FIELDS),
                        _ => self.inner(inner, at, from, to, depth)?,
                    }
                    to
                }
                Next::Unsure => self.closely(of, at, end, depth)?,
            };
        }
        Ok(())
    }

    /// A field of type `inner` whose tag is at `tag`.
    fn inner(&mut self, inner: Type, tag: usize, from: usize, to: usize, depth: u8) -> Result<(), DecodeError> {
        let mut depth = depth;
        match inner {
            Type::ResourceSpans | Type::ResourceLogs | Type::ResourceMetrics | Type::ResourceProfiles => {
                self.counts.resources += 1;
            }
            Type::ScopeSpans | Type::ScopeLogs | Type::ScopeMetrics | Type::ScopeProfiles => self.counts.scopes += 1,
            Type::Span | Type::LogRecord | Type::Profile => self.counts.items += 1,
            Type::Metric => {
                self.counts.items += 1;
                (self.before, self.data) = (self.counts.points, None);
            }
            Type::Gauge | Type::Sum | Type::Histogram | Type::ExponentialHistogram | Type::Summary
                if self.data != Some(inner) =>
            {
                // Another member of the oneof takes the place of what came before.
                (self.counts.points, self.data) = (self.before, Some(inner));
            }
            Type::NumberDataPoint
            | Type::HistogramDataPoint
            | Type::ExponentialHistogramDataPoint
            | Type::SummaryDataPoint => self.counts.points += 1,
            Type::ArrayValue | Type::KeyValueList => depth = deeper(depth, tag)?,
            _ => {}
        }
        self.message(inner, from, to, depth)
    }

    /// The field at `at` as the lazy readers see it, and where the next one begins.
    #[cold]
    fn closely(&mut self, of: Type, at: usize, end: usize, depth: u8) -> Result<usize, DecodeError> {
        let mut fields = Message::within(&self.bytes[..end], at).fields();
        let Some(field) = fields.next().transpose()? else {
            return Ok(end);
        };
        let next = fields.offset();
        let Some(declared) = schema::declared(of, field.number()) else {
            return Ok(next);
        };
        let payload = field.message();
        if declared.is_packed() && field.wire_type() == WireType::Len {
            packed(declared.kind, payload)?;
            return Ok(next);
        }
        field.check(of)?;
        match declared.kind {
            Kind::Utf8 => drop(payload.utf8()?),
            Kind::TraceId => drop(payload.trace_id()?),
            Kind::SpanId => drop(payload.span_id()?),
            Kind::Message(inner) => self.inner(inner, field.offset(), payload.offset(), next, depth)?,
            _ => {}
        }
        Ok(next)
    }
}

/// Looks at each number of a packed field.
fn packed(kind: Kind, payload: Message<'_>) -> Result<(), DecodeError> {
    for number in payload.numbers(kind.wire_type()) {
        number?;
    }
    Ok(())
}

/// Counts fields that were looked at, in tests.
#[inline(always)]
fn step(fields: usize) {
    #[cfg(test)]
    (0..fields).for_each(|_| crate::protobuf::read::steps::add());
    let _ = fields;
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use super::*;
    use crate::common::plain::{self, Noise};
    use crate::common::{model, read};
    use crate::protobuf::read::steps;

    /// How many of a repeated thing.
    const MANY: usize = 100;

    /// `content` as a message under each number of `path`.
    fn wrap(path: &[u8], content: &[u8]) -> Vec<u8> {
        let mut bytes = content.to_vec();
        for number in path.iter().rev() {
            let header = crate::protobuf::write::Header::new(number << 3 | 2, bytes.len());
            bytes.splice(0..0, header.as_slice().iter().copied());
        }
        bytes
    }

    /// Both readers look at so many fields at most, whether the request is good or not.
    #[track_caller]
    fn check_steps(bytes: &[u8], eager: usize, lazy: usize) {
        let mut outcome = (None, None);
        let eagerly = steps::count(|| outcome.0 = Some(validate(Signal::Traces, bytes)));
        let lazily = steps::count(|| outcome.1 = Some(read::request(bytes)));
        assert!(eagerly <= eager, "{eagerly} steps to validate {} bytes", bytes.len());
        assert!(lazily <= lazy, "{lazily} steps to read {} bytes", bytes.len());
        let (eagerly, lazily) = (outcome.0.expect("run above"), outcome.1.expect("run above"));
        assert_eq!(lazily.map(|request| read::counts(&request)), eagerly);
    }

    /// Eagerly each field is looked at once; lazily once for each list that its message has, and once more.
    const PASSES: usize = 4;

    #[test]
    #[cfg_attr(miri, ignore = "long, and nothing unsafe in it")]
    fn fields_are_looked_at_once_eagerly_and_a_few_times_lazily() {
        let attribute = model::KeyValue {
            key: "k".into(),
            value: Some(model::Value::Int(1)),
            ..Default::default()
        };
        let span = model::Span {
            name: "n".into(),
            attributes: vec![attribute; MANY],
            ..Default::default()
        };
        let scopes = vec![model::ScopeSpans {
            spans: vec![span; MANY],
            ..Default::default()
        }];
        let request = model::Request {
            resources: vec![model::ResourceSpans {
                scopes,
                ..Default::default()
            }],
        };
        let bytes = plain::request(&request, &mut Noise::none());
        // In each span a name and attributes, in each of which a key, a value and in that an integer.
        let fields = 2 + MANY * (1 + 1 + MANY * (1 + 3));
        assert_eq!(
            steps::count(|| assert!(validate(Signal::Traces, &bytes).is_ok())),
            fields
        );
        check_steps(&bytes, fields, PASSES * fields);
    }

    #[test]
    #[cfg_attr(miri, ignore = "long, and nothing unsafe in it")]
    fn unknown_groups_cost_no_more_than_their_fields() {
        let groups = [0x9B, 0x06, 0x9B, 0x06, 0x9C, 0x06, 0x9C, 0x06].repeat(10 * MANY);
        for path in [&[1][..], &[1, 1], &[1, 2, 2], &[1, 2, 2, 9, 2], &[1, 2, 2, 9, 2, 5]] {
            check_steps(
                &wrap(path, &groups),
                40 * MANY + path.len(),
                PASSES * (40 * MANY + path.len()),
            );
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "long, and nothing unsafe in it")]
    fn depth_bombs_end_at_the_limit() {
        let groups = vec![0x7B; 1000 * MANY];
        check_steps(&wrap(&[1, 2, 2], &groups), 80, 80);
        let arrays = wrap(&[5, 1].repeat(50 * MANY), &[]);
        check_steps(&wrap(&[1, 2, 2, 9, 2], &arrays), 140, PASSES * 140);
    }

    #[test]
    #[cfg_attr(miri, ignore = "long, and nothing unsafe in it")]
    fn nested_values_are_not_walked_once_a_level() {
        // At each of 60 levels many elements beside the one that goes deeper.
        let mut value = vec![];
        for _ in 0..60 {
            let mut array = [0x0A, 0].repeat(MANY);
            array.extend(wrap(&[1], &value));
            value = wrap(&[5], &array);
        }
        let fields = 60 * (MANY + 2) + 5;
        check_steps(&wrap(&[1, 2, 2, 9, 2], &value), fields, PASSES * fields);
    }

    #[test]
    #[cfg_attr(miri, ignore = "long, and nothing unsafe in it")]
    fn split_messages_are_not_walked_once_a_part() {
        // A resource in parts, a value in parts of which each is a part of one array.
        let parts: Vec<u8> = core::iter::repeat_n(wrap(&[1], &[0x0A, 0]), 10 * MANY)
            .flatten()
            .collect();
        check_steps(&wrap(&[1], &parts), 20 * MANY + 1, PASSES * (20 * MANY + 1));
        let value: Vec<u8> = core::iter::repeat_n(wrap(&[2, 5, 1], &[0x18, 1]), 10 * MANY)
            .flatten()
            .collect();
        check_steps(&wrap(&[1, 2, 2, 9], &value), 40 * MANY + 4, PASSES * (40 * MANY + 4));
        let bytes = wrap(&[1, 2, 2, 9], &value);
        let read = read::request(&bytes).unwrap();
        let array = model::Value::Array(vec![model::Value::Int(1); 10 * MANY]);
        assert_eq!(read.resources[0].scopes[0].spans[0].attributes[0].value, Some(array));
    }
}
