//! Spans: [`SpanView`] with its [`EventView`]s, [`LinkView`]s and [`StatusView`].
//!
//! A view has read the message's own scalar fields; attributes, events and links are read when they are iterated.
//! Of a scalar field that occurs several times the last occurrence counts.

use crate::id::{SpanId, TraceId};
use crate::protobuf::error::DecodeError;
use crate::protobuf::parts::{Parts, Repeated, View};
use crate::protobuf::read::Message;
use crate::protobuf::tag::{event, link, span, status};
use crate::protobuf::value::KeyValues;
use crate::request::member::Member;
use crate::schema::Type;
use crate::schema::open_enum::open_enum;
use crate::signal::Signal;
use crate::time::UnixNanos;

/// The events of a span.
pub type Events<'a> = Repeated<'a, EventView<'a>>;
/// The links of a span.
pub type Links<'a> = Repeated<'a, LinkView<'a>>;

/// One span.
#[derive(Clone, Copy, Debug, Default)]
pub struct SpanView<'a> {
    message: Message<'a>,
    trace_id: TraceId,
    span_id: SpanId,
    parent_span_id: SpanId,
    trace_state: &'a str,
    name: &'a str,
    kind: SpanKind,
    start: UnixNanos,
    end: UnixNanos,
    dropped_attributes_count: u32,
    dropped_events_count: u32,
    dropped_links_count: u32,
    flags: u32,
    has_status: bool,
    status: StatusView<'a>,
}

impl<'a> SpanView<'a> {
    /// Reads a whole `Span` message.
    pub fn new(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::read(Message::new(bytes), 0)
    }

    /// The message's bytes.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.message.bytes()
    }

    /// The trace that it belongs to; invalid where absent.
    #[must_use]
    pub const fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// Its own id; invalid where absent.
    #[must_use]
    pub const fn span_id(&self) -> SpanId {
        self.span_id
    }

    /// The span around it; none for a root. (All zero means none too, as in the Collector.)
    #[must_use]
    pub fn parent_span_id(&self) -> Option<SpanId> {
        Some(self.parent_span_id).filter(|id| id.is_valid())
    }

    /// The W3C trace state, as in its header.
    #[must_use]
    pub const fn trace_state(&self) -> &'a str {
        self.trace_state
    }

    /// W3C trace flags in the low byte; bits 8 and 9 say whether the parent is known to be, and is, remote.
    #[must_use]
    pub const fn flags(&self) -> u32 {
        self.flags
    }

    /// The name.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// The role in a request.
    #[must_use]
    pub const fn kind(&self) -> SpanKind {
        self.kind
    }

    /// When it started.
    #[must_use]
    pub const fn start_time(&self) -> UnixNanos {
        self.start
    }

    /// When it ended.
    #[must_use]
    pub const fn end_time(&self) -> UnixNanos {
        self.end
    }

    /// The attributes in order.
    #[must_use]
    pub fn attributes(&self) -> KeyValues<'a> {
        Parts::whole(self.message).repeated(Type::Span, span::ATTRIBUTES, 0)
    }

    /// Attributes that the sender dropped.
    #[must_use]
    pub const fn dropped_attributes_count(&self) -> u32 {
        self.dropped_attributes_count
    }

    /// The events in order.
    #[must_use]
    pub fn events(&self) -> Events<'a> {
        Parts::whole(self.message).repeated(Type::Span, span::EVENTS, 0)
    }

    /// Events that the sender dropped.
    #[must_use]
    pub const fn dropped_events_count(&self) -> u32 {
        self.dropped_events_count
    }

    /// The links in order.
    #[must_use]
    pub fn links(&self) -> Links<'a> {
        Parts::whole(self.message).repeated(Type::Span, span::LINKS, 0)
    }

    /// Links that the sender dropped.
    #[must_use]
    pub const fn dropped_links_count(&self) -> u32 {
        self.dropped_links_count
    }

    /// Whether a status is given, be it an empty one.
    #[must_use]
    pub const fn has_status(&self) -> bool {
        self.has_status
    }

    /// The outcome.
    #[must_use]
    pub const fn status(&self) -> StatusView<'a> {
        self.status
    }
}

impl<'a> View<'a> for SpanView<'a> {
    fn read(message: Message<'a>, _depth: u8) -> Result<Self, DecodeError> {
        let mut view = Self {
            message,
            ..Self::default()
        };
        for field in message.fields() {
            let field = field?;
            field.check(Type::Span)?;
            match field.number() {
                span::TRACE_ID => view.trace_id = field.message().trace_id()?,
                span::SPAN_ID => view.span_id = field.message().span_id()?,
                span::TRACE_STATE => view.trace_state = field.message().utf8()?,
                span::PARENT_SPAN_ID => view.parent_span_id = field.message().span_id()?,
                span::NAME => view.name = field.message().utf8()?,
                span::KIND => view.kind = SpanKind::from(field.value32().cast_signed()),
                span::START_TIME_UNIX_NANO => view.start = UnixNanos::new(field.value()),
                span::END_TIME_UNIX_NANO => view.end = UnixNanos::new(field.value()),
                span::DROPPED_ATTRIBUTES_COUNT => view.dropped_attributes_count = field.value32(),
                span::DROPPED_EVENTS_COUNT => view.dropped_events_count = field.value32(),
                span::DROPPED_LINKS_COUNT => view.dropped_links_count = field.value32(),
                span::STATUS => {
                    view.has_status = true;
                    view.status.merge(field.message())?;
                }
                span::FLAGS => view.flags = field.value32(),
                _ => {}
            }
        }
        Ok(view)
    }
}

impl<'a> Member<'a> for SpanView<'a> {
    const SIGNAL: Signal = Signal::Traces;
    const WITHIN: Type = Type::ScopeSpans;
}

/// Something that happened during a span.
#[derive(Clone, Copy, Debug, Default)]
pub struct EventView<'a> {
    message: Message<'a>,
    time: UnixNanos,
    name: &'a str,
    dropped_attributes_count: u32,
}

impl<'a> EventView<'a> {
    /// When it happened.
    #[must_use]
    pub const fn time(&self) -> UnixNanos {
        self.time
    }

    /// The name.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// The attributes in order.
    #[must_use]
    pub fn attributes(&self) -> KeyValues<'a> {
        Parts::whole(self.message).repeated(Type::Event, event::ATTRIBUTES, 0)
    }

    /// Attributes that the sender dropped.
    #[must_use]
    pub const fn dropped_attributes_count(&self) -> u32 {
        self.dropped_attributes_count
    }
}

impl<'a> View<'a> for EventView<'a> {
    fn read(message: Message<'a>, _depth: u8) -> Result<Self, DecodeError> {
        let mut view = Self {
            message,
            ..Self::default()
        };
        for field in message.fields() {
            let field = field?;
            field.check(Type::Event)?;
            match field.number() {
                event::TIME_UNIX_NANO => view.time = UnixNanos::new(field.value()),
                event::NAME => view.name = field.message().utf8()?,
                event::DROPPED_ATTRIBUTES_COUNT => view.dropped_attributes_count = field.value32(),
                _ => {}
            }
        }
        Ok(view)
    }
}

/// A reference from a span to another one.
#[derive(Clone, Copy, Debug, Default)]
pub struct LinkView<'a> {
    message: Message<'a>,
    trace_id: TraceId,
    span_id: SpanId,
    trace_state: &'a str,
    dropped_attributes_count: u32,
    flags: u32,
}

impl<'a> LinkView<'a> {
    /// The trace of the span referred to.
    #[must_use]
    pub const fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// The span referred to.
    #[must_use]
    pub const fn span_id(&self) -> SpanId {
        self.span_id
    }

    /// Its W3C trace state, as in the header.
    #[must_use]
    pub const fn trace_state(&self) -> &'a str {
        self.trace_state
    }

    /// The attributes in order.
    #[must_use]
    pub fn attributes(&self) -> KeyValues<'a> {
        Parts::whole(self.message).repeated(Type::Link, link::ATTRIBUTES, 0)
    }

    /// Attributes that the sender dropped.
    #[must_use]
    pub const fn dropped_attributes_count(&self) -> u32 {
        self.dropped_attributes_count
    }

    /// W3C trace flags in the low byte; bits 8 and 9 say whether the span is known to be, and is, remote.
    #[must_use]
    pub const fn flags(&self) -> u32 {
        self.flags
    }
}

impl<'a> View<'a> for LinkView<'a> {
    fn read(message: Message<'a>, _depth: u8) -> Result<Self, DecodeError> {
        let mut view = Self {
            message,
            ..Self::default()
        };
        for field in message.fields() {
            let field = field?;
            field.check(Type::Link)?;
            match field.number() {
                link::TRACE_ID => view.trace_id = field.message().trace_id()?,
                link::SPAN_ID => view.span_id = field.message().span_id()?,
                link::TRACE_STATE => view.trace_state = field.message().utf8()?,
                link::DROPPED_ATTRIBUTES_COUNT => view.dropped_attributes_count = field.value32(),
                link::FLAGS => view.flags = field.value32(),
                _ => {}
            }
        }
        Ok(view)
    }
}

/// The outcome of a span.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct StatusView<'a> {
    code: StatusCode,
    message: &'a str,
}

impl<'a> StatusView<'a> {
    /// Whether it failed.
    #[must_use]
    pub const fn code(&self) -> StatusCode {
        self.code
    }

    /// What the failure was.
    #[must_use]
    pub const fn message(&self) -> &'a str {
        self.message
    }

    /// Reads one more part of the status.
    fn merge(&mut self, part: Message<'a>) -> Result<(), DecodeError> {
        for field in part.fields() {
            let field = field?;
            field.check(Type::Status)?;
            match field.number() {
                status::MESSAGE => self.message = field.message().utf8()?,
                status::CODE => self.code = StatusCode::from(field.value32().cast_signed()),
                _ => {}
            }
        }
        Ok(())
    }
}

open_enum! {
    /// The role of a span in a request.
    SpanKind {
        /// Not given.
        Unspecified = 0,
        /// Within an application.
        Internal = 1,
        /// Handles a remote request.
        Server = 2,
        /// Makes a remote request.
        Client = 3,
        /// Sends a message.
        Producer = 4,
        /// Receives a message.
        Consumer = 5,
    }
}

open_enum! {
    /// Whether the work of a span succeeded.
    StatusCode {
        /// Nobody said.
        Unset = 0,
        /// Somebody said so.
        Ok = 1,
        /// It failed.
        Error = 2,
    }
}
