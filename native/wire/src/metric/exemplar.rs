//! [`ExemplarView`]: a measurement that a data point was made of.

use crate::id::{SpanId, TraceId};
use crate::metric::number::Number;
use crate::protobuf::error::DecodeError;
use crate::protobuf::parts::{Parts, Repeated, View};
use crate::protobuf::read::Message;
use crate::protobuf::value::KeyValues;
use crate::schema::Type;
use crate::schema::numbers::exemplar;
use crate::time::UnixNanos;

/// The exemplars of a data point.
pub type Exemplars<'a> = Repeated<'a, ExemplarView<'a>>;

/// One measurement, with the span during which it was made.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExemplarView<'a> {
    message: Message<'a>,
    time: UnixNanos,
    value: Option<Number>,
    trace_id: TraceId,
    span_id: SpanId,
}

impl<'a> ExemplarView<'a> {
    /// The attributes that the data point does not have, in order.
    #[must_use]
    pub fn filtered_attributes(&self) -> KeyValues<'a> {
        Parts::whole(self.message).repeated(Type::Exemplar, exemplar::FILTERED_ATTRIBUTES, 0)
    }

    /// When it was made.
    #[must_use]
    pub const fn time(&self) -> UnixNanos {
        self.time
    }

    /// The number, if there is one.
    #[must_use]
    pub const fn value(&self) -> Option<Number> {
        self.value
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
}

impl<'a> View<'a> for ExemplarView<'a> {
    fn read(message: Message<'a>, _depth: u8) -> Result<Self, DecodeError> {
        let mut view = Self {
            message,
            ..Self::default()
        };
        for field in message.fields() {
            let field = field?;
            field.check(Type::Exemplar)?;
            match field.number() {
                exemplar::TIME_UNIX_NANO => view.time = UnixNanos::new(field.value()),
                exemplar::AS_DOUBLE => view.value = Some(Number::double(field.value())),
                exemplar::AS_INT => view.value = Some(Number::int(field.value())),
                exemplar::SPAN_ID => view.span_id = field.message().span_id()?,
                exemplar::TRACE_ID => view.trace_id = field.message().trace_id()?,
                _ => {}
            }
        }
        Ok(view)
    }
}
