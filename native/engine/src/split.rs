//! Cutting a request in two between two spans: both halves are requests, with the resource and scope of their spans.

use std::ops::Range;

use spanwire_wire::Signal;
use spanwire_wire::read::{Field, Message};
use spanwire_wire::tag::{self, WireType, len_tag};
use spanwire_wire::validate::{self, validate_part};
use spanwire_wire::write::Header;

/// Where something stands in the request.
type Place = Range<usize>;

/// A message and the spans below it: all its other fields go into both halves.
#[derive(Default)]
struct Level {
    /// Fields in front of the first that leads to spans, and behind it.
    before: Vec<Place>,
    after: Vec<Place>,
}

/// A span with its tag and length, and which resource and scope it is of.
#[derive(Clone)]
struct Frame {
    resource: usize,
    scope: usize,
    place: Place,
}

#[derive(Default)]
struct Layout {
    resources: Vec<Level>,
    scopes: Vec<Level>,
    frames: Vec<Frame>,
}

/// A part of a request: its bytes, and its spans.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Part {
    pub bytes: Vec<u8>,
    pub spans: u64,
}

/// Cuts an `ExportTraceServiceRequest` so that the spans of the first part have about `first` bytes, or half of theirs, and each part has a span. `None` if
/// it has fewer than two spans, or cannot be read.
pub fn split(request: &[u8], first: Option<usize>) -> Option<(Part, Part)> {
    let layout = Layout::of(request)?;
    let last = layout.frames.len().checked_sub(1).filter(|&last| last > 0)?;
    let half = || layout.frames.iter().map(|frame| frame.place.len()).sum::<usize>() / 2;
    let first = first.unwrap_or_else(half);
    let mut size = 0;
    let fits = layout.frames.iter().take_while(|frame| {
        size += frame.place.len();
        size <= first
    });
    let cut = fits.count().clamp(1, last);
    let (left, right) = layout.frames.split_at(cut);
    Some((layout.write(request, left), layout.write(request, right)))
}

/// Divides an `ExportTraceServiceRequest` into at most `count` by what `of` says of each span's trace id, in the order of these numbers. `None`
/// if it cannot be read.
pub fn divide(request: &[u8], count: usize, of: impl Fn(&[u8]) -> usize) -> Option<Vec<(usize, Part)>> {
    let layout = Layout::of(request)?;
    let mut all: Vec<Vec<Frame>> = std::iter::repeat_with(Vec::new).take(count).collect();
    for frame in layout.frames.iter().cloned() {
        let to = of(trace_id(&request[frame.place.clone()])?);
        all.get_mut(to)?.push(frame);
    }
    let parts = all.iter().enumerate().filter(|(_, frames)| !frames.is_empty());
    Some(parts.map(|(to, frames)| (to, layout.write(request, frames))).collect())
}

/// Bytes of the smallest request that could be made of one of the spans of an `ExportTraceServiceRequest`, give or take the lengths around
/// it; nothing if it has several scopes, or cannot be read.
pub fn smallest(request: &[u8]) -> Option<usize> {
    let layout = Layout::of(request)?;
    let len = |frame: &Frame| frame.place.len();
    let all = layout.frames.iter().map(len).sum::<usize>();
    let least = layout.frames.iter().map(len).min()?;
    (layout.scopes.len() == 1).then_some(request.len() - all + least)
}

/// An `ExportTraceServiceRequest` without the spans that are not whole, and how many these are. `None` if all are, or if what is around them
/// cannot be read.
pub fn without_broken(request: &[u8]) -> Option<(Part, u64)> {
    let layout = Layout::of(request)?;
    let is_whole = |frame: &Frame| {
        let span = Message::new(&request[frame.place.clone()]).fields().next();
        span.and_then(Result::ok)
            .is_some_and(|span| validate_part(validate::Part::Item(Signal::Traces), span.message()).is_ok())
    };
    let whole: Vec<_> = layout.frames.iter().filter(|frame| is_whole(frame)).cloned().collect();
    let broken = layout.frames.len() - whole.len();
    (broken > 0).then(|| (layout.write(request, &whole), broken as u64))
}

/// The trace id of a span with its tag and length; nothing of one that has none. It is the first field of what we write: no more is read.
fn trace_id(frame: &[u8]) -> Option<&[u8]> {
    let span = Message::new(frame).fields().next()?.ok()?.message();
    for field in span.fields() {
        let field = field.ok()?;
        if is(&field, tag::span::TRACE_ID) {
            return Some(field.message().bytes());
        }
    }
    Some(&[])
}

/// The fields of a message that begins at `offset`, each with its place.
fn fields(message: Message<'_>) -> impl Iterator<Item = Option<(Field<'_>, Place)>> {
    let mut fields = message.fields();
    std::iter::from_fn(move || {
        let start = fields.offset();
        let field = fields.next()?;
        Some(field.ok().map(|field| (field, start..fields.offset())))
    })
}

impl Layout {
    fn of(request: &[u8]) -> Option<Self> {
        let mut layout = Self::default();
        for field in fields(Message::new(request)) {
            let (field, _) = field?;
            // Unknown fields beside the resources are of no span: they are left out.
            if is(&field, tag::export_request::RESOURCE_SPANS) {
                layout.resource(field.message())?;
            }
        }
        Some(layout)
    }

    fn resource(&mut self, message: Message<'_>) -> Option<()> {
        let mut level = Level::default();
        let (resource, mut has_scopes) = (self.resources.len(), false);
        for field in fields(message) {
            let (field, place) = field?;
            if is(&field, tag::resource_spans::SCOPE_SPANS) {
                has_scopes = true;
                self.scope(resource, field.message())?;
            } else {
                level.add(place, has_scopes);
            }
        }
        self.resources.push(level);
        Some(())
    }

    fn scope(&mut self, resource: usize, message: Message<'_>) -> Option<()> {
        let mut level = Level::default();
        let (scope, mut has_spans) = (self.scopes.len(), false);
        for field in fields(message) {
            let (field, place) = field?;
            if is(&field, tag::scope_spans::SPANS) {
                has_spans = true;
                self.frames.push(Frame { resource, scope, place });
            } else {
                level.add(place, has_spans);
            }
        }
        self.scopes.push(level);
        Some(())
    }

    /// A request of these frames, which stand in order.
    fn write(&self, request: &[u8], frames: &[Frame]) -> Part {
        let mut bytes = Vec::with_capacity(frames.iter().map(|frame| frame.place.len() + 8).sum());
        for of_resource in frames.chunk_by(|a, b| a.resource == b.resource) {
            let resource = &self.resources[of_resource[0].resource];
            let scopes: Vec<_> = of_resource
                .chunk_by(|a, b| a.scope == b.scope)
                .map(|of_scope| {
                    let level = &self.scopes[of_scope[0].scope];
                    let len = level.len() + of_scope.iter().map(|frame| frame.place.len()).sum::<usize>();
                    (
                        Header::new(len_tag(tag::resource_spans::SCOPE_SPANS), len),
                        level,
                        of_scope,
                        len,
                    )
                })
                .collect();
            let scopes_len = scopes.iter().map(|(header, _, _, len)| header.as_slice().len() + len);
            let len = resource.len() + scopes_len.sum::<usize>();
            bytes.extend_from_slice(Header::new(len_tag(tag::export_request::RESOURCE_SPANS), len).as_slice());

            copy_all(&mut bytes, request, &resource.before);
            for (header, level, of_scope, _) in scopes {
                bytes.extend_from_slice(header.as_slice());
                copy_all(&mut bytes, request, &level.before);
                for frame in of_scope {
                    bytes.extend_from_slice(&request[frame.place.clone()]);
                }
                copy_all(&mut bytes, request, &level.after);
            }
            copy_all(&mut bytes, request, &resource.after);
        }
        Part {
            bytes,
            spans: frames.len() as u64,
        }
    }
}

fn copy_all(bytes: &mut Vec<u8>, request: &[u8], places: &[Place]) {
    for place in places {
        bytes.extend_from_slice(&request[place.clone()]);
    }
}

fn is(field: &Field<'_>, number: u32) -> bool {
    field.number() == number && field.wire_type() == WireType::Len
}

impl Level {
    fn add(&mut self, place: Place, is_behind: bool) {
        let places = if is_behind { &mut self.after } else { &mut self.before };
        match places.last_mut() {
            Some(last) if last.end == place.start => last.end = place.end,
            _ => places.push(place),
        }
    }

    fn len(&self) -> usize {
        self.before.iter().chain(&self.after).map(Range::len).sum()
    }
}

#[cfg(test)]
mod tests;
