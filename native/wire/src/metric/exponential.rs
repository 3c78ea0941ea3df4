//! [`ExponentialHistogramPointView`]: a data point of an exponential histogram, and its [`Buckets`].

use crate::metric::exemplar::Exemplars;
use crate::protobuf::error::DecodeError;
use crate::protobuf::packed::Packed;
use crate::protobuf::parts::{Occurrences, Parts, View};
use crate::protobuf::read::Message;
use crate::protobuf::tag::WireType;
use crate::protobuf::value::KeyValues;
use crate::protobuf::varint::zigzag32;
use crate::schema::Type;
use crate::schema::numbers::{buckets, exponential_histogram_data_point as point};
use crate::time::UnixNanos;

/// Counts in buckets whose bounds are powers of 2 to the 2 to the minus [`scale`](Self::scale).
#[derive(Clone, Copy, Debug, Default)]
pub struct ExponentialHistogramPointView<'a> {
    message: Message<'a>,
    start: UnixNanos,
    time: UnixNanos,
    count: u64,
    sum: Option<f64>,
    scale: i32,
    zero_count: u64,
    zero_threshold: f64,
    positive: Option<Buckets<'a>>,
    negative: Option<Buckets<'a>>,
    min: Option<f64>,
    max: Option<f64>,
    flags: u32,
}

impl<'a> ExponentialHistogramPointView<'a> {
    /// The attributes in order.
    #[must_use]
    pub fn attributes(&self) -> KeyValues<'a> {
        Parts::whole(self.message).repeated(Type::ExponentialHistogramDataPoint, point::ATTRIBUTES, 0)
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

    /// How fine the buckets are.
    #[must_use]
    pub const fn scale(&self) -> i32 {
        self.scale
    }

    /// How many values were nearer to zero than the threshold, or at it.
    #[must_use]
    pub const fn zero_count(&self) -> u64 {
        self.zero_count
    }

    /// How far the bucket of zero reaches.
    #[must_use]
    pub const fn zero_threshold(&self) -> f64 {
        self.zero_threshold
    }

    /// The buckets of values above zero, if they are given.
    #[must_use]
    pub const fn positive(&self) -> Option<Buckets<'a>> {
        self.positive
    }

    /// The buckets of values below zero, if they are given.
    #[must_use]
    pub const fn negative(&self) -> Option<Buckets<'a>> {
        self.negative
    }

    /// Bit 0 says that no value was recorded.
    #[must_use]
    pub const fn flags(&self) -> u32 {
        self.flags
    }

    /// Measurements of it in order.
    #[must_use]
    pub fn exemplars(&self) -> Exemplars<'a> {
        Parts::whole(self.message).repeated(Type::ExponentialHistogramDataPoint, point::EXEMPLARS, 0)
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

impl<'a> View<'a> for ExponentialHistogramPointView<'a> {
    fn read(message: Message<'a>, _depth: u8) -> Result<Self, DecodeError> {
        let mut view = Self {
            message,
            ..Self::default()
        };
        let (mut positive, mut negative) = (Occurrences::default(), Occurrences::default());
        for field in message.fields() {
            let field = field?;
            field.check(Type::ExponentialHistogramDataPoint)?;
            match field.number() {
                point::START_TIME_UNIX_NANO => view.start = UnixNanos::new(field.value()),
                point::TIME_UNIX_NANO => view.time = UnixNanos::new(field.value()),
                point::COUNT => view.count = field.value(),
                point::SUM => view.sum = Some(f64::from_bits(field.value())),
                point::SCALE => view.scale = zigzag32(field.value32()),
                point::ZERO_COUNT => view.zero_count = field.value(),
                point::POSITIVE => positive.add(&field),
                point::NEGATIVE => negative.add(&field),
                point::FLAGS => view.flags = field.value32(),
                point::MIN => view.min = Some(f64::from_bits(field.value())),
                point::MAX => view.max = Some(f64::from_bits(field.value())),
                point::ZERO_THRESHOLD => view.zero_threshold = f64::from_bits(field.value()),
                _ => {}
            }
        }
        let buckets = |of: Occurrences<'a>, number| {
            let parts = of.parts(&Parts::whole(message), number);
            of.is_present().then(|| Buckets::read(parts)).transpose()
        };
        view.positive = buckets(positive, point::POSITIVE)?;
        view.negative = buckets(negative, point::NEGATIVE)?;
        Ok(view)
    }
}

/// A run of buckets.
#[derive(Clone, Copy, Debug)]
pub struct Buckets<'a> {
    parts: Parts<'a>,
    offset: i32,
}

impl<'a> Buckets<'a> {
    /// The index of the first bucket.
    #[must_use]
    pub const fn offset(&self) -> i32 {
        self.offset
    }

    /// How many values each bucket has, in order.
    #[must_use]
    pub fn bucket_counts(&self) -> Packed<'a, u64> {
        Packed::new(&self.parts, Type::Buckets, buckets::BUCKET_COUNTS, WireType::Varint)
    }

    fn read(parts: Parts<'a>) -> Result<Self, DecodeError> {
        let mut offset = 0;
        for field in parts.fields() {
            let field = field?;
            field.check(Type::Buckets)?;
            if field.number() == buckets::OFFSET {
                offset = zigzag32(field.value32());
            }
        }
        Ok(Self { parts, offset })
    }
}
