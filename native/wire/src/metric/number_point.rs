//! [`NumberPointView`]: a data point of a gauge or sum.

use crate::metric::exemplar::Exemplars;
use crate::metric::number::Number;
use crate::protobuf::error::DecodeError;
use crate::protobuf::parts::{Parts, View};
use crate::protobuf::read::Message;
use crate::protobuf::value::KeyValues;
use crate::schema::Type;
use crate::schema::numbers::number_data_point as point;
use crate::time::UnixNanos;

/// A data point that is one number.
#[derive(Clone, Copy, Debug, Default)]
pub struct NumberPointView<'a> {
    message: Message<'a>,
    start: UnixNanos,
    time: UnixNanos,
    value: Option<Number>,
    flags: u32,
}

impl<'a> NumberPointView<'a> {
    /// The attributes in order.
    #[must_use]
    pub fn attributes(&self) -> KeyValues<'a> {
        Parts::whole(self.message).repeated(Type::NumberDataPoint, point::ATTRIBUTES, 0)
    }

    /// Since when a sum adds up; zero where that is unknown.
    #[must_use]
    pub const fn start_time(&self) -> UnixNanos {
        self.start
    }

    /// When it was taken.
    #[must_use]
    pub const fn time(&self) -> UnixNanos {
        self.time
    }

    /// The number, if there is one.
    #[must_use]
    pub const fn value(&self) -> Option<Number> {
        self.value
    }

    /// Measurements of it in order.
    #[must_use]
    pub fn exemplars(&self) -> Exemplars<'a> {
        Parts::whole(self.message).repeated(Type::NumberDataPoint, point::EXEMPLARS, 0)
    }

    /// Bit 0 says that no value was recorded.
    #[must_use]
    pub const fn flags(&self) -> u32 {
        self.flags
    }
}

impl<'a> View<'a> for NumberPointView<'a> {
    fn read(message: Message<'a>, _depth: u8) -> Result<Self, DecodeError> {
        let mut view = Self {
            message,
            ..Self::default()
        };
        for field in message.fields() {
            let field = field?;
            field.check(Type::NumberDataPoint)?;
            match field.number() {
                point::START_TIME_UNIX_NANO => view.start = UnixNanos::new(field.value()),
                point::TIME_UNIX_NANO => view.time = UnixNanos::new(field.value()),
                point::AS_DOUBLE => view.value = Some(Number::double(field.value())),
                point::AS_INT => view.value = Some(Number::int(field.value())),
                point::FLAGS => view.flags = field.value32(),
                _ => {}
            }
        }
        Ok(view)
    }
}
