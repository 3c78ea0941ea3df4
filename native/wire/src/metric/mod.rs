//! Metrics: requests of metrics, and metrics with their data points as lazy views.
//!
//! A view has read the message's own scalar fields; lists are read when they are iterated.

mod data;
mod exemplar;
mod exponential;
mod histogram;
mod number;
mod number_point;
mod summary;
mod view;

use crate::request::{Request, ResourceGroup, ScopeGroup};

pub use data::{MetricData, Temporality};
pub use exemplar::{ExemplarView, Exemplars};
pub use exponential::{Buckets, ExponentialHistogramPointView};
pub use histogram::HistogramPointView;
pub use number::Number;
pub use number_point::NumberPointView;
pub use summary::{QuantileView, SummaryPointView};
pub use view::MetricView;

/// `ExportMetricsServiceRequest`, unread.
pub type MetricsRequest<'a> = Request<'a, MetricView<'a>>;
/// A resource with its scopes.
pub type ResourceMetrics<'a> = ResourceGroup<'a, MetricView<'a>>;
/// A scope with its metrics.
pub type ScopeMetrics<'a> = ScopeGroup<'a, MetricView<'a>>;
