//! [`LogRecordView`]: one log record.

use crate::id::{SpanId, TraceId};
use crate::protobuf::error::DecodeError;
use crate::protobuf::parts::{Occurrences, Parts, View};
use crate::protobuf::read::Message;
use crate::protobuf::value::{KeyValues, Value};
use crate::request::member::Member;
use crate::schema::Type;
use crate::schema::numbers::log_record;
use crate::signal::Signal;
use crate::time::UnixNanos;

/// One log record. Its own scalar fields have been read; body and attributes are read when they are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogRecordView<'a> {
    message: Message<'a>,
    time: UnixNanos,
    observed_time: UnixNanos,
    severity_number: i32,
    severity_text: &'a str,
    body: Occurrences<'a>,
    dropped_attributes_count: u32,
    flags: u32,
    trace_id: TraceId,
    span_id: SpanId,
    event_name: &'a str,
}

impl<'a> LogRecordView<'a> {
    /// Reads a whole `LogRecord` message.
    pub fn new(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::read(Message::new(bytes), 0)
    }

    /// The message's bytes.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.message.bytes()
    }

    /// When it happened; zero where that is unknown.
    #[must_use]
    pub const fn time(&self) -> UnixNanos {
        self.time
    }

    /// When the collection system saw it.
    #[must_use]
    pub const fn observed_time(&self) -> UnixNanos {
        self.observed_time
    }

    /// How severe it is: 1 to 24 in groups of four from TRACE to FATAL; 0 where that is unknown.
    #[must_use]
    pub const fn severity_number(&self) -> i32 {
        self.severity_number
    }

    /// The name of the severity at its source.
    #[must_use]
    pub const fn severity_text(&self) -> &'a str {
        self.severity_text
    }

    /// Whether a body is given, be it an empty one.
    #[must_use]
    pub fn has_body(&self) -> bool {
        self.body.is_present()
    }

    /// The body's outermost level. [`Value::Empty`] where it is absent.
    pub fn body(&self) -> Result<Value<'a>, DecodeError> {
        Value::read_parts(&self.body.parts(&Parts::whole(self.message), log_record::BODY), 0)
    }

    /// The attributes in order.
    #[must_use]
    pub fn attributes(&self) -> KeyValues<'a> {
        Parts::whole(self.message).repeated(Type::LogRecord, log_record::ATTRIBUTES, 0)
    }

    /// Attributes that the sender dropped.
    #[must_use]
    pub const fn dropped_attributes_count(&self) -> u32 {
        self.dropped_attributes_count
    }

    /// W3C trace flags in the low byte.
    #[must_use]
    pub const fn flags(&self) -> u32 {
        self.flags
    }

    /// The trace that it belongs to; invalid where absent.
    #[must_use]
    pub const fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// The span that it belongs to; invalid where absent.
    #[must_use]
    pub const fn span_id(&self) -> SpanId {
        self.span_id
    }

    /// The name of the event, for log records that are events.
    #[must_use]
    pub const fn event_name(&self) -> &'a str {
        self.event_name
    }
}

impl<'a> View<'a> for LogRecordView<'a> {
    fn read(message: Message<'a>, _depth: u8) -> Result<Self, DecodeError> {
        let mut view = Self {
            message,
            ..Self::default()
        };
        for field in message.fields() {
            let field = field?;
            field.check(Type::LogRecord)?;
            match field.number() {
                log_record::TIME_UNIX_NANO => view.time = UnixNanos::new(field.value()),
                log_record::OBSERVED_TIME_UNIX_NANO => view.observed_time = UnixNanos::new(field.value()),
                log_record::SEVERITY_NUMBER => view.severity_number = field.value32().cast_signed(),
                log_record::SEVERITY_TEXT => view.severity_text = field.message().utf8()?,
                log_record::BODY => view.body.add(&field),
                log_record::DROPPED_ATTRIBUTES_COUNT => view.dropped_attributes_count = field.value32(),
                log_record::FLAGS => view.flags = field.value32(),
                log_record::TRACE_ID => view.trace_id = field.message().trace_id()?,
                log_record::SPAN_ID => view.span_id = field.message().span_id()?,
                log_record::EVENT_NAME => view.event_name = field.message().utf8()?,
                _ => {}
            }
        }
        Ok(view)
    }
}

impl<'a> Member<'a> for LogRecordView<'a> {
    const SIGNAL: Signal = Signal::Logs;
    const WITHIN: Type = Type::ScopeLogs;
}
