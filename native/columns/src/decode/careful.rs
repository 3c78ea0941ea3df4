//! The careful way: by wire's readers, as protobuf says, and with their errors.
//!
//! A span is checked whole before it is read, so that what is wrong with it is found in the order of the wire, as
//! [`validate`](spanwire_wire::validate) finds it.

use spanwire_wire::Signal;
use spanwire_wire::read::Message;
use spanwire_wire::tag::{any_value, event, key_value, link, span, status};
use spanwire_wire::validate::{Part, validate_part};

use super::attributes::{Attributes, Open};
use super::column::Value;
use super::error::Halt;
use super::items::{Event, Link};
use super::pass::Pass;
use super::span::Span;
use super::views::View;

/// Where a message's bytes are.
pub(super) const fn view_of(message: Message<'_>) -> View {
    View {
        start: message.offset(),
        len: message.bytes().len(),
    }
}

impl<'a> Pass<'a> {
    /// Adds a span.
    #[cold]
    pub fn span_carefully(&mut self, message: Message<'a>) -> Result<(), Halt> {
        validate_part(Part::Item(Signal::Traces), message)?;
        let row = self.spans.len();
        let mut new = Span::default();
        let mut open = self.spans.attributes.open(row);
        for field in message.fields() {
            let field = field?;
            let inside = field.message();
            match field.number() {
                span::TRACE_ID => new.trace_id = inside.trace_id()?.to_bytes(),
                span::SPAN_ID => new.span_id = inside.span_id()?.to_bytes(),
                span::TRACE_STATE => new.trace_state = view_of(inside),
                span::PARENT_SPAN_ID => new.parent = inside.span_id()?.to_bytes(),
                span::NAME => new.name = view_of(inside),
                span::KIND => new.kind = field.value32().cast_signed(),
                span::START_TIME_UNIX_NANO => new.start = field.value(),
                span::END_TIME_UNIX_NANO => new.end = field.value(),
                span::ATTRIBUTES => attribute(
                    self.input.len(),
                    &mut self.extra,
                    &mut self.spans.attributes,
                    &mut open,
                    inside,
                )?,
                span::DROPPED_ATTRIBUTES_COUNT => new.dropped_attributes = field.value32(),
                span::EVENTS => self.event_carefully(row, inside)?,
                span::DROPPED_EVENTS_COUNT => new.dropped_events = field.value32(),
                span::LINKS => self.link_carefully(row, inside)?,
                span::DROPPED_LINKS_COUNT => new.dropped_links = field.value32(),
                span::STATUS => status_carefully(inside, &mut new)?,
                span::FLAGS => new.flags = field.value32(),
                _ => {}
            }
        }
        self.spans.add(&new)?;
        Ok(())
    }

    fn event_carefully(&mut self, row: usize, message: Message<'a>) -> Result<(), Halt> {
        let mut new = Event::default();
        let mut open = self.events.attributes.open(self.events.len());
        for field in message.fields() {
            let field = field?;
            match field.number() {
                event::TIME_UNIX_NANO => new.time = field.value(),
                event::NAME => new.name = view_of(field.message()),
                event::ATTRIBUTES => attribute(
                    self.input.len(),
                    &mut self.extra,
                    &mut self.events.attributes,
                    &mut open,
                    field.message(),
                )?,
                event::DROPPED_ATTRIBUTES_COUNT => new.dropped = field.value32(),
                _ => {}
            }
        }
        self.events.add(row, new)?;
        Ok(())
    }

    fn link_carefully(&mut self, row: usize, message: Message<'a>) -> Result<(), Halt> {
        let mut new = Link::default();
        let mut open = self.links.attributes.open(self.links.len());
        for field in message.fields() {
            let field = field?;
            match field.number() {
                link::TRACE_ID => new.trace_id = field.message().trace_id()?.to_bytes(),
                link::SPAN_ID => new.span_id = field.message().span_id()?.to_bytes(),
                link::TRACE_STATE => new.trace_state = view_of(field.message()),
                link::ATTRIBUTES => attribute(
                    self.input.len(),
                    &mut self.extra,
                    &mut self.links.attributes,
                    &mut open,
                    field.message(),
                )?,
                link::DROPPED_ATTRIBUTES_COUNT => new.dropped = field.value32(),
                link::FLAGS => new.flags = field.value32(),
                _ => {}
            }
        }
        self.links.add(row, new)?;
        Ok(())
    }
}

fn status_carefully(part: Message<'_>, new: &mut Span) -> Result<(), Halt> {
    for field in part.fields() {
        let field = field?;
        match field.number() {
            status::MESSAGE => new.status_message = view_of(field.message()),
            status::CODE => new.status_code = field.value32().cast_signed(),
            _ => {}
        }
    }
    Ok(())
}

/// Adds the `KeyValue` in `message`. A value in parts is put together in `extra`, which stands behind `input` bytes.
fn attribute<'a>(
    input: usize,
    extra: &mut Vec<u8>,
    attributes: &mut Attributes<'a>,
    open: &mut Open,
    message: Message<'a>,
) -> Result<(), Halt> {
    let (mut key, mut any) = (Message::default(), Joined::default());
    for field in message.fields() {
        let field = field?;
        match field.number() {
            key_value::KEY => key = field.message(),
            key_value::VALUE => any.add(field.message()),
            _ => {}
        }
    }
    let any = any.finish(input, extra).unwrap_or_default();
    let bytes = match any.start.checked_sub(input) {
        Some(start) if any.len > 0 => extra.get(start..start + any.len),
        _ => message
            .bytes()
            .get(any.start.saturating_sub(message.offset())..)
            .and_then(|from| from.get(..any.len)),
    };
    let value = value(Message::at(bytes.unwrap_or_default(), any.start))?.unwrap_or(Value::Any(any));
    attributes.add(open, key.bytes(), view_of(key), any, value)
}

/// The scalar in an `AnyValue`: the last member counts. None for everything else.
fn value(message: Message<'_>) -> Result<Option<Value>, Halt> {
    let mut value = None;
    for field in message.fields() {
        let field = field?;
        value = match field.number() {
            any_value::STRING_VALUE => Some(Value::Text(view_of(field.message()))),
            any_value::BOOL_VALUE => Some(Value::Bool(field.value() != 0)),
            any_value::INT_VALUE => Some(Value::Int(field.value().cast_signed())),
            any_value::DOUBLE_VALUE => Some(Value::Double(f64::from_bits(field.value()))),
            any_value::BYTES_VALUE => Some(Value::Bytes(view_of(field.message()))),
            any_value::ARRAY_VALUE | any_value::KVLIST_VALUE | any_value::STRING_VALUE_STRINDEX => None,
            _ => continue,
        };
    }
    Ok(value)
}

/// A message that may stand in several parts: one behind the other they are the merged message.
#[derive(Debug, Default)]
pub(super) struct Joined<'a> {
    first: Option<Message<'a>>,
    /// All parts, if there are several.
    parts: Vec<u8>,
}

impl<'a> Joined<'a> {
    pub fn add(&mut self, part: Message<'a>) {
        match self.first {
            None => self.first = Some(part),
            Some(first) => {
                if self.parts.is_empty() {
                    self.parts.extend_from_slice(first.bytes());
                }
                self.parts.extend_from_slice(part.bytes());
            }
        }
    }

    /// Where the message stands: in the input, or put together in `extra`, which stands behind `input` bytes. None if there
    /// was no part.
    pub fn finish(self, input: usize, extra: &mut Vec<u8>) -> Option<View> {
        if self.parts.is_empty() {
            return self.first.map(view_of);
        }
        let start = input + extra.len();
        extra.extend_from_slice(&self.parts);
        Some(View {
            start,
            len: self.parts.len(),
        })
    }
}
