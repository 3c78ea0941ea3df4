//! A recording in memory, cut into requests to send again, each at its moment.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

use spanwire_wire::envelope::Groups;
use spanwire_wire::read::Message;
use spanwire_wire::tag::{export_request, len_tag, resource_spans, scope_spans, span};
use spanwire_wire::write::Header;
use spanwire_wire::{DecodeError, SpanView};

use crate::edit::{NewIds, edit, trace_of};

/// How spans' times are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shift {
    /// Not at all.
    Keep,
    /// Each trace begins at this time (Unix, nanoseconds) and as long after the recording's first span as it did, divided by the speed;
    /// distances within a trace stay. At no speed in particular, the recording ends at this time and all distances stay.
    To(u64),
}

/// What is sent when.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many times as fast as it was; `None`: everything at once.
    pub speed: Option<f64>,
    /// Changes of times.
    pub shift: Shift,
    /// New trace and span ids.
    pub new_ids: bool,
    /// Spans of a request, at most.
    pub spans: usize,
    /// Bytes of a request's spans, at most, unless one alone has more.
    pub bytes: usize,
    /// Between the first and the last span of a request, at most, when it is sent.
    pub window: Duration,
}

/// A request and when it is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayRequest {
    /// An `ExportTraceServiceRequest`.
    pub request: Vec<u8>,
    /// Spans in it.
    pub spans: usize,
    /// After the beginning: when its last span starts, so that none is sent before it started.
    pub due: Duration,
}

/// Spans of whole requests, and what stands around them.
#[derive(Debug, Default)]
pub struct Recording {
    bytes: Vec<u8>,
    spans: Vec<Span>,
    /// Content of `ResourceSpans` but for the scopes.
    resources: Interned,
    /// Content of `ScopeSpans` but for the spans, behind the number of its resource.
    scopes: Interned,
    traces: HashMap<[u8; 16], u32>,
    /// When each trace begins, its first span that has a time.
    begins: Vec<u64>,
    ends_at: u64,
    sorted: bool,
    next: usize,
    ids: NewIds,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    start: u64,
    at: usize,
    length: u32,
    trace: u32,
    scope: u32,
}

/// Byte strings by number.
#[derive(Debug, Default)]
struct Interned {
    numbers: HashMap<Vec<u8>, u32>,
    strings: Vec<Vec<u8>>,
}

impl Interned {
    fn number(&mut self, bytes: Vec<u8>) -> u32 {
        match self.numbers.entry(bytes) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                let number = index(self.strings.len());
                self.strings.push(new.key().clone());
                *new.insert(number)
            }
        }
    }
}

/// Four billion of anything do not fit into memory here.
fn index(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

impl Recording {
    /// Adds the spans of a valid request.
    pub fn add(&mut self, request: &[u8]) -> Result<(), DecodeError> {
        self.sorted = false;
        for field in Message::new(request).fields() {
            let field = field?;
            if field.number() == export_request::RESOURCE_SPANS {
                self.add_resource(field.message())?;
            }
        }
        Ok(())
    }

    /// Spans in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Traces in it.
    #[must_use]
    pub fn traces(&self) -> usize {
        self.traces.len()
    }

    /// From its first to its last start.
    #[must_use]
    pub fn duration(&self) -> Duration {
        let last = self.spans.iter().map(|span| span.start).max().unwrap_or(0);
        Duration::from_nanos(last.saturating_sub(self.first()))
    }

    /// The next request of a plan, which must be the same in each call; spans come in the order of their start.
    pub fn next_request(&mut self, plan: &Plan) -> Result<Option<ReplayRequest>, DecodeError> {
        if !self.sorted {
            self.spans.sort_by_key(|span| span.start);
            self.sorted = true;
            self.next = 0;
        }
        let first = self.first();
        let Some(begin) = self.spans.get(self.next) else {
            return Ok(None);
        };
        let begin_due = due(begin.start, first, plan.speed);
        let (mut end, mut bytes, mut last_due) = (self.next, 0, begin_due);
        while let Some(span) = self.spans.get(end) {
            bytes += span.length as usize;
            let due = due(span.start, first, plan.speed);
            let full = end - self.next >= plan.spans.max(1)
                || bytes > plan.bytes
                || due.saturating_sub(begin_due) > plan.window;
            if end > self.next && full {
                break;
            }
            last_due = due;
            end += 1;
        }
        let request = self.encode(self.next..end, first, plan)?;
        let spans = end - self.next;
        self.next = end;
        Ok(Some(ReplayRequest {
            request,
            spans,
            due: last_due,
        }))
    }

    /// When it begins: the first start that is one.
    fn first(&self) -> u64 {
        let starts = self.spans.iter().map(|span| span.start).filter(|start| *start > 0);
        if self.sorted {
            let at = self.spans.partition_point(|span| span.start == 0);
            return self.spans.get(at).map_or(0, |span| span.start);
        }
        starts.min().unwrap_or(0)
    }

    fn add_resource(&mut self, message: Message<'_>) -> Result<(), DecodeError> {
        let resource = self.resources.number(without(message, resource_spans::SCOPE_SPANS)?);
        for field in message.fields() {
            let field = field?;
            if field.number() == resource_spans::SCOPE_SPANS {
                self.add_scope(resource, field.message())?;
            }
        }
        Ok(())
    }

    fn add_scope(&mut self, resource: u32, message: Message<'_>) -> Result<(), DecodeError> {
        let mut head = resource.to_le_bytes().to_vec();
        head.extend(without(message, scope_spans::SPANS)?);
        let scope = self.scopes.number(head);
        for field in message.fields() {
            let field = field?;
            if field.number() == scope_spans::SPANS {
                self.add_span(scope, field.message().bytes())?;
            }
        }
        Ok(())
    }

    fn add_span(&mut self, scope: u32, bytes: &[u8]) -> Result<(), DecodeError> {
        let view = SpanView::new(bytes)?;
        let (start, end) = (view.start_time().get(), view.end_time().get());
        let number = index(self.begins.len());
        let trace = *self
            .traces
            .entry(trace_of(Message::new(bytes), span::TRACE_ID)?)
            .or_insert(number);
        if trace == number {
            self.begins.push(0);
        }
        if let Some(begin) = self.begins.get_mut(trace as usize)
            && start > 0
            && (*begin == 0 || start < *begin)
        {
            *begin = start;
        }
        self.ends_at = self.ends_at.max(start).max(end);
        self.spans.push(Span {
            start,
            at: self.bytes.len(),
            length: index(bytes.len()),
            trace,
            scope,
        });
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// A request of spans, equal resources and scopes together, in the order of their first span.
    fn encode(&self, range: std::ops::Range<usize>, first: u64, plan: &Plan) -> Result<Vec<u8>, DecodeError> {
        let mut groups = Groups::default();
        let (mut resources, mut scopes) = (HashMap::new(), HashMap::new());
        for span in &self.spans[range] {
            let group = *scopes.entry(span.scope).or_insert_with(|| {
                let resource = self.resource_of(span.scope);
                let head = self.resources.strings[resource as usize].as_slice();
                let at = *resources.entry(resource).or_insert_with(|| groups.add_resource(head));
                let head = &self.scopes.strings[span.scope as usize][4..];
                (at, groups.add_scope(at, head))
            });
            let mut bytes = self.bytes[span.at..span.at + span.length as usize].to_vec();
            let shift = self.shift(span, first, plan);
            if shift != 0 || plan.new_ids {
                edit(&mut bytes, shift, plan.new_ids.then_some(&self.ids))?;
            }
            bytes.splice(
                0..0,
                Header::new(len_tag(scope_spans::SPANS), bytes.len())
                    .as_slice()
                    .iter()
                    .copied(),
            );
            groups.add(group, bytes);
        }
        let mut request = Vec::with_capacity(groups.request_len());
        groups.write_bytes(&mut |bytes| request.extend_from_slice(bytes));
        Ok(request)
    }

    fn resource_of(&self, scope: u32) -> u32 {
        let head = self.scopes.strings[scope as usize].first_chunk();
        u32::from_le_bytes(head.copied().unwrap_or_default())
    }

    /// Nanoseconds to add to a span's times.
    fn shift(&self, span: &Span, first: u64, plan: &Plan) -> i64 {
        let Shift::To(time) = plan.shift else { return 0 };
        let trace = self.begins[span.trace as usize];
        let (new, old) = match plan.speed {
            None => (time, self.ends_at),
            Some(_) => (time.saturating_add(nanos(due(trace, first, plan.speed))), trace),
        };
        let shift = i128::from(new) - i128::from(old);
        i64::try_from(shift).unwrap_or(if shift < 0 { i64::MIN } else { i64::MAX })
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// When after the beginning something that was at `time` comes.
fn due(time: u64, first: u64, speed: Option<f64>) -> Duration {
    let after = Duration::from_nanos(time.saturating_sub(first));
    match speed {
        None => Duration::ZERO,
        Some(speed) => Duration::try_from_secs_f64(after.as_secs_f64() / speed).unwrap_or(Duration::MAX),
    }
}

/// The fields of a message but for field `number`, as they stand.
fn without(message: Message<'_>, number: u32) -> Result<Vec<u8>, DecodeError> {
    let (mut kept, mut begin, mut keep) = (Vec::new(), message.offset(), false);
    let mut take = |from: usize, to: usize, keep: bool| {
        if keep {
            kept.extend_from_slice(&message.bytes()[from - message.offset()..to - message.offset()]);
        }
    };
    for field in message.fields() {
        let field = field?;
        take(begin, field.offset(), keep);
        (begin, keep) = (field.offset(), field.number() != number);
    }
    take(begin, message.offset() + message.bytes().len(), keep);
    Ok(kept)
}
