//! [`MetricData`]: what kind a metric is of, with its data points.

use crate::metric::exponential::ExponentialHistogramPointView;
use crate::metric::histogram::HistogramPointView;
use crate::metric::number_point::NumberPointView;
use crate::metric::summary::SummaryPointView;
use crate::protobuf::error::DecodeError;
use crate::protobuf::parts::{Parts, Repeated};
use crate::schema::Type;
use crate::schema::numbers::{exponential_histogram, gauge, histogram, metric, sum, summary};
use crate::schema::open_enum::open_enum;

/// A metric's data points in order, by its kind.
#[derive(Clone, Debug)]
pub enum MetricData<'a> {
    /// Values of now.
    Gauge {
        /// The data points.
        points: Repeated<'a, NumberPointView<'a>>,
    },
    /// Values that add up.
    Sum {
        /// The data points.
        points: Repeated<'a, NumberPointView<'a>>,
        /// Since when they add up.
        temporality: Temporality,
        /// Whether they never fall.
        is_monotonic: bool,
    },
    /// Counts in buckets with given bounds.
    Histogram {
        /// The data points.
        points: Repeated<'a, HistogramPointView<'a>>,
        /// Since when they add up.
        temporality: Temporality,
    },
    /// Counts in buckets with exponential bounds.
    ExponentialHistogram {
        /// The data points.
        points: Repeated<'a, ExponentialHistogramPointView<'a>>,
        /// Since when they add up.
        temporality: Temporality,
    },
    /// Quantiles that the source computed.
    Summary {
        /// The data points.
        points: Repeated<'a, SummaryPointView<'a>>,
    },
}

open_enum! {
    /// Since when the values of a metric add up.
    Temporality {
        /// Not given.
        Unspecified = 0,
        /// Since the data point before.
        Delta = 1,
        /// Since a fixed time.
        Cumulative = 2,
    }
}

/// In each kind's message.
const POINTS: u32 = gauge::DATA_POINTS;
const TEMPORALITY: u32 = sum::AGGREGATION_TEMPORALITY;
const _: () = assert!(
    POINTS == sum::DATA_POINTS
        && POINTS == histogram::DATA_POINTS
        && POINTS == exponential_histogram::DATA_POINTS
        && POINTS == summary::DATA_POINTS
        && TEMPORALITY == histogram::AGGREGATION_TEMPORALITY
        && TEMPORALITY == exponential_histogram::AGGREGATION_TEMPORALITY
);

impl<'a> MetricData<'a> {
    /// Whether a metric's field holds data points.
    pub(crate) const fn is_member(number: u32) -> bool {
        use metric::{EXPONENTIAL_HISTOGRAM, GAUGE, HISTOGRAM, SUM, SUMMARY};
        matches!(number, GAUGE | SUM | HISTOGRAM | EXPONENTIAL_HISTOGRAM | SUMMARY)
    }

    /// Reads the own fields of a metric's member, none for 0.
    pub(super) fn read(member: u32, parts: Parts<'a>) -> Result<Option<Self>, DecodeError> {
        Ok(Some(match member {
            metric::GAUGE => Self::Gauge {
                points: parts.repeated(Type::Gauge, POINTS, 0),
            },
            metric::SUM => {
                let (temporality, is_monotonic) = own_fields(Type::Sum, &parts)?;
                Self::Sum {
                    points: parts.repeated(Type::Sum, POINTS, 0),
                    temporality,
                    is_monotonic,
                }
            }
            metric::HISTOGRAM => Self::Histogram {
                points: parts.repeated(Type::Histogram, POINTS, 0),
                temporality: own_fields(Type::Histogram, &parts)?.0,
            },
            metric::EXPONENTIAL_HISTOGRAM => Self::ExponentialHistogram {
                points: parts.repeated(Type::ExponentialHistogram, POINTS, 0),
                temporality: own_fields(Type::ExponentialHistogram, &parts)?.0,
            },
            metric::SUMMARY => Self::Summary {
                points: parts.repeated(Type::Summary, POINTS, 0),
            },
            _ => return Ok(None),
        }))
    }
}

/// The temporality, and whether a sum is monotonic.
fn own_fields(of: Type, parts: &Parts<'_>) -> Result<(Temporality, bool), DecodeError> {
    let (mut temporality, mut is_monotonic) = (Temporality::default(), false);
    for field in parts.fields() {
        let field = field?;
        field.check(of)?;
        match field.number() {
            TEMPORALITY => temporality = Temporality::from(field.value32().cast_signed()),
            sum::IS_MONOTONIC => is_monotonic = field.value() != 0,
            _ => {}
        }
    }
    Ok((temporality, is_monotonic))
}
