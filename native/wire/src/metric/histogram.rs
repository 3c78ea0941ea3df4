//! [`HistogramPointView`]: a data point of a histogram.

use crate::metric::exemplar::Exemplars;
use crate::protobuf::error::DecodeError;
use crate::protobuf::packed::Packed;
use crate::protobuf::parts::{Parts, View};
use crate::protobuf::read::Message;
use crate::protobuf::tag::WireType;
use crate::protobuf::value::KeyValues;
use crate::schema::Type;
use crate::schema::numbers::histogram_data_point as point;
use crate::time::UnixNanos;

/// Counts in buckets with given bounds.
#[derive(Clone, Copy, Debug, Default)]
pub struct HistogramPointView<'a> {
    message: Message<'a>,
    start: UnixNanos,
    time: UnixNanos,
    count: u64,
    sum: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    flags: u32,
}

impl<'a> HistogramPointView<'a> {
    /// The attributes in order.
    #[must_use]
    pub fn attributes(&self) -> KeyValues<'a> {
        Parts::whole(self.message).repeated(Type::HistogramDataPoint, point::ATTRIBUTES, 0)
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
    pub const fn sum(&self) -> Option<f64> {
        self.sum
    }

    /// How many values each bucket has, in order: one more than bounds, or none.
    #[must_use]
    pub fn bucket_counts(&self) -> Packed<'a, u64> {
        Packed::new(
            &Parts::whole(self.message),
            Type::HistogramDataPoint,
            point::BUCKET_COUNTS,
            WireType::Fixed64,
        )
    }

    /// The bounds between the buckets, in order.
    #[must_use]
    pub fn explicit_bounds(&self) -> Packed<'a, f64> {
        Packed::new(
            &Parts::whole(self.message),
            Type::HistogramDataPoint,
            point::EXPLICIT_BOUNDS,
            WireType::Fixed64,
        )
    }

    /// Measurements of it in order.
    #[must_use]
    pub fn exemplars(&self) -> Exemplars<'a> {
        Parts::whole(self.message).repeated(Type::HistogramDataPoint, point::EXEMPLARS, 0)
    }

    /// Bit 0 says that no value was recorded.
    #[must_use]
    pub const fn flags(&self) -> u32 {
        self.flags
    }

    /// The least value.
    #[must_use]
    pub const fn min(&self) -> Option<f64> {
        self.min
    }

    /// The greatest value.
    #[must_use]
    pub const fn max(&self) -> Option<f64> {
        self.max
    }
}

impl<'a> View<'a> for HistogramPointView<'a> {
    fn read(message: Message<'a>, _depth: u8) -> Result<Self, DecodeError> {
        let mut view = Self {
            message,
            ..Self::default()
        };
        for field in message.fields() {
            let field = field?;
            field.check(Type::HistogramDataPoint)?;
            match field.number() {
                point::START_TIME_UNIX_NANO => view.start = UnixNanos::new(field.value()),
                point::TIME_UNIX_NANO => view.time = UnixNanos::new(field.value()),
                point::COUNT => view.count = field.value(),
                point::SUM => view.sum = Some(f64::from_bits(field.value())),
                point::FLAGS => view.flags = field.value32(),
                point::MIN => view.min = Some(f64::from_bits(field.value())),
                point::MAX => view.max = Some(f64::from_bits(field.value())),
                _ => {}
            }
        }
        Ok(view)
    }
}
