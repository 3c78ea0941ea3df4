//! [`SummaryPointView`]: a data point of a summary.

use crate::protobuf::error::DecodeError;
use crate::protobuf::parts::{Parts, Repeated, View};
use crate::protobuf::read::Message;
use crate::protobuf::value::KeyValues;
use crate::schema::Type;
use crate::schema::numbers::{summary_data_point as point, value_at_quantile};
use crate::time::UnixNanos;

/// Quantiles of values.
#[derive(Clone, Copy, Debug, Default)]
pub struct SummaryPointView<'a> {
    message: Message<'a>,
    start: UnixNanos,
    time: UnixNanos,
    count: u64,
    sum: f64,
    flags: u32,
}

impl<'a> SummaryPointView<'a> {
    /// The attributes in order.
    #[must_use]
    pub fn attributes(&self) -> KeyValues<'a> {
        Parts::whole(self.message).repeated(Type::SummaryDataPoint, point::ATTRIBUTES, 0)
    }

    /// Since when it counts; zero where that is unknown.
    #[must_use]
    pub const fn start_time(&self) -> UnixNanos {
        self.start
    }

    /// When it was taken.
    #[must_use]
    pub const fn time(&self) -> UnixNanos {
        self.time
    }

    /// How many values there were.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Their sum.
    #[must_use]
    pub const fn sum(&self) -> f64 {
        self.sum
    }

    /// The quantiles in order.
    #[must_use]
    pub fn quantile_values(&self) -> Repeated<'a, QuantileView> {
        Parts::whole(self.message).repeated(Type::SummaryDataPoint, point::QUANTILE_VALUES, 0)
    }

    /// Bit 0 says that no value was recorded.
    #[must_use]
    pub const fn flags(&self) -> u32 {
        self.flags
    }
}

impl<'a> View<'a> for SummaryPointView<'a> {
    fn read(message: Message<'a>, _depth: u8) -> Result<Self, DecodeError> {
        let mut view = Self {
            message,
            ..Self::default()
        };
        for field in message.fields() {
            let field = field?;
            field.check(Type::SummaryDataPoint)?;
            match field.number() {
                point::START_TIME_UNIX_NANO => view.start = UnixNanos::new(field.value()),
                point::TIME_UNIX_NANO => view.time = UnixNanos::new(field.value()),
                point::COUNT => view.count = field.value(),
                point::SUM => view.sum = f64::from_bits(field.value()),
                point::FLAGS => view.flags = field.value32(),
                _ => {}
            }
        }
        Ok(view)
    }
}

/// The value at a quantile.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct QuantileView {
    /// From 0, the least value, to 1, the greatest.
    pub quantile: f64,
    /// The value.
    pub value: f64,
}

impl<'a> View<'a> for QuantileView {
    fn read(message: Message<'a>, _depth: u8) -> Result<Self, DecodeError> {
        let mut view = Self::default();
        for field in message.fields() {
            let field = field?;
            field.check(Type::ValueAtQuantile)?;
            match field.number() {
                value_at_quantile::QUANTILE => view.quantile = f64::from_bits(field.value()),
                value_at_quantile::VALUE => view.value = f64::from_bits(field.value()),
                _ => {}
            }
        }
        Ok(view)
    }
}
