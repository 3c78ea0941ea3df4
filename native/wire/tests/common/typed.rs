//! A request of logs, metrics or profiles as text, read by the typed views, each accessor under its field's name.

use spanwire_wire::metric::{
    Buckets, ExemplarView, Exemplars, ExponentialHistogramPointView, HistogramPointView, MetricData, Number,
    NumberPointView, SummaryPointView,
};
use spanwire_wire::request::{EntityRef, Resource, Scope};
use spanwire_wire::{
    DecodeError, KeyValue, KeyValues, LogRecordView, LogsRequest, MetricView, MetricsRequest, ProfileView,
    ProfilesRequest, Signal, Value,
};

use super::text::{self, bytes, double, list, number};

type Result<T> = core::result::Result<T, DecodeError>;

/// All that the views offer.
pub fn request(signal: Signal, body: &[u8]) -> Result<String> {
    macro_rules! groups {
        ($request:expr, $resources:literal, $scopes:literal, $items:literal, $item:expr) => {{
            let resources = $request.resources().map(|group| {
                let group = group?;
                let scopes = group.scopes().map(|group| {
                    let group = group?;
                    Ok(text::message(vec![
                        ("scope", group.scope().map(|head| scope(&head)).transpose()?),
                        ($items, Some(list(group.items().map(|item| $item(&item?)))?)),
                        ("schema_url", Some(bytes(group.schema_url()))),
                    ]))
                });
                Ok(text::message(vec![
                    ("resource", group.resource().map(|head| resource(&head)).transpose()?),
                    ($scopes, Some(list(scopes)?)),
                    ("schema_url", Some(bytes(group.schema_url()))),
                ]))
            });
            Ok(text::message(vec![($resources, Some(list(resources)?))]))
        }};
    }
    match signal {
        Signal::Traces => panic!("traces are read by `read`"),
        Signal::Logs => groups!(
            LogsRequest::new(body),
            "resource_logs",
            "scope_logs",
            "log_records",
            log_record
        ),
        Signal::Metrics => groups!(
            MetricsRequest::new(body),
            "resource_metrics",
            "scope_metrics",
            "metrics",
            metric
        ),
        Signal::Profiles => groups!(
            ProfilesRequest::new(body),
            "resource_profiles",
            "scope_profiles",
            "profiles",
            |item| Ok(profile(item))
        ),
    }
}

fn log_record(log: &LogRecordView<'_>) -> Result<String> {
    Ok(text::message(vec![
        ("time_unix_nano", Some(number(log.time().get()))),
        ("observed_time_unix_nano", Some(number(log.observed_time().get()))),
        ("severity_number", Some(number(log.severity_number()))),
        ("severity_text", Some(bytes(log.severity_text()))),
        ("body", log.has_body().then(|| log.body().and_then(value)).transpose()?),
        ("attributes", Some(attributes(log.attributes())?)),
        ("dropped_attributes_count", Some(number(log.dropped_attributes_count()))),
        ("flags", Some(number(log.flags()))),
        ("trace_id", Some(bytes(log.trace_id().as_bytes()))),
        ("span_id", Some(bytes(log.span_id().as_bytes()))),
        ("event_name", Some(bytes(log.event_name()))),
    ]))
}

fn profile(profile: &ProfileView<'_>) -> String {
    text::message(vec![
        ("profile_id", Some(bytes(profile.profile_id()))),
        ("time_unix_nano", Some(number(profile.time().get()))),
        ("duration_nano", Some(number(profile.duration().as_nanos()))),
        (
            "dropped_attributes_count",
            Some(number(profile.dropped_attributes_count())),
        ),
        ("samples", Some(number(profile.sample_count()))),
    ])
}

fn metric(metric: &MetricView<'_>) -> Result<String> {
    let temporality = |temporality| ("aggregation_temporality", Some(number(i32::from(temporality))));
    let data = metric.data()?.map(|data| {
        Ok(match data {
            MetricData::Gauge { points } => (
                "gauge",
                vec![("data_points", Some(list(points.map(|point| number_point(&point?)))?))],
            ),
            MetricData::Sum {
                points,
                temporality: since,
                is_monotonic,
            } => (
                "sum",
                vec![
                    ("data_points", Some(list(points.map(|point| number_point(&point?)))?)),
                    temporality(since),
                    ("is_monotonic", Some(number(u8::from(is_monotonic)))),
                ],
            ),
            MetricData::Histogram {
                points,
                temporality: since,
            } => (
                "histogram",
                vec![
                    ("data_points", Some(list(points.map(|point| histogram_point(&point?)))?)),
                    temporality(since),
                ],
            ),
            MetricData::ExponentialHistogram {
                points,
                temporality: since,
            } => (
                "exponential_histogram",
                vec![
                    (
                        "data_points",
                        Some(list(points.map(|point| exponential_point(&point?)))?),
                    ),
                    temporality(since),
                ],
            ),
            MetricData::Summary { points } => (
                "summary",
                vec![("data_points", Some(list(points.map(|point| summary_point(&point?)))?))],
            ),
        })
    });
    let mut members = vec![
        ("name", Some(bytes(metric.name()))),
        ("description", Some(bytes(metric.description()))),
        ("unit", Some(bytes(metric.unit()))),
        ("metadata", Some(attributes(metric.metadata())?)),
    ];
    if let Some((kind, data)) = data.transpose()? {
        members.push((kind, Some(text::message(data))));
    }
    Ok(text::message(members))
}

/// The member of the oneof that a number is.
fn measured(value: Option<Number>) -> text::Member {
    match value {
        None => ("as_int", None),
        Some(Number::Int(int)) => ("as_int", Some(number(int))),
        Some(Number::Double(value)) => ("as_double", Some(double(value))),
    }
}

fn number_point(point: &NumberPointView<'_>) -> Result<String> {
    Ok(text::message(vec![
        ("attributes", Some(attributes(point.attributes())?)),
        ("start_time_unix_nano", Some(number(point.start_time().get()))),
        ("time_unix_nano", Some(number(point.time().get()))),
        measured(point.value()),
        ("exemplars", Some(exemplars(point.exemplars())?)),
        ("flags", Some(number(point.flags()))),
    ]))
}

fn histogram_point(point: &HistogramPointView<'_>) -> Result<String> {
    let (counts, bounds) = (point.bucket_counts(), point.explicit_bounds());
    Ok(text::message(vec![
        ("attributes", Some(attributes(point.attributes())?)),
        ("start_time_unix_nano", Some(number(point.start_time().get()))),
        ("time_unix_nano", Some(number(point.time().get()))),
        ("count", Some(number(point.count()))),
        ("sum", point.sum().map(double)),
        ("bucket_counts", Some(list(counts.map(|count| Ok(number(count?))))?)),
        ("explicit_bounds", Some(list(bounds.map(|bound| Ok(double(bound?))))?)),
        ("exemplars", Some(exemplars(point.exemplars())?)),
        ("flags", Some(number(point.flags()))),
        ("min", point.min().map(double)),
        ("max", point.max().map(double)),
    ]))
}

fn exponential_point(point: &ExponentialHistogramPointView<'_>) -> Result<String> {
    Ok(text::message(vec![
        ("attributes", Some(attributes(point.attributes())?)),
        ("start_time_unix_nano", Some(number(point.start_time().get()))),
        ("time_unix_nano", Some(number(point.time().get()))),
        ("count", Some(number(point.count()))),
        ("sum", point.sum().map(double)),
        ("scale", Some(number(point.scale()))),
        ("zero_count", Some(number(point.zero_count()))),
        ("positive", point.positive().map(|run| buckets(&run)).transpose()?),
        ("negative", point.negative().map(|run| buckets(&run)).transpose()?),
        ("flags", Some(number(point.flags()))),
        ("exemplars", Some(exemplars(point.exemplars())?)),
        ("min", point.min().map(double)),
        ("max", point.max().map(double)),
        ("zero_threshold", Some(double(point.zero_threshold()))),
    ]))
}

fn buckets(run: &Buckets<'_>) -> Result<String> {
    Ok(text::message(vec![
        ("offset", Some(number(run.offset()))),
        (
            "bucket_counts",
            Some(list(run.bucket_counts().map(|count| Ok(number(count?))))?),
        ),
    ]))
}

fn summary_point(point: &SummaryPointView<'_>) -> Result<String> {
    let quantiles = point.quantile_values().map(|quantile| {
        let quantile = quantile?;
        Ok(text::message(vec![
            ("quantile", Some(double(quantile.quantile))),
            ("value", Some(double(quantile.value))),
        ]))
    });
    Ok(text::message(vec![
        ("attributes", Some(attributes(point.attributes())?)),
        ("start_time_unix_nano", Some(number(point.start_time().get()))),
        ("time_unix_nano", Some(number(point.time().get()))),
        ("count", Some(number(point.count()))),
        ("sum", Some(double(point.sum()))),
        ("quantile_values", Some(list(quantiles)?)),
        ("flags", Some(number(point.flags()))),
    ]))
}

fn exemplars(exemplars: Exemplars<'_>) -> Result<String> {
    list(exemplars.map(|exemplar| self::exemplar(&exemplar?)))
}

fn exemplar(exemplar: &ExemplarView<'_>) -> Result<String> {
    Ok(text::message(vec![
        ("filtered_attributes", Some(attributes(exemplar.filtered_attributes())?)),
        ("time_unix_nano", Some(number(exemplar.time().get()))),
        measured(exemplar.value()),
        ("span_id", Some(bytes(exemplar.span_id().as_bytes()))),
        ("trace_id", Some(bytes(exemplar.trace_id().as_bytes()))),
    ]))
}

fn resource(resource: &Resource<'_>) -> Result<String> {
    Ok(text::message(vec![
        ("attributes", Some(attributes(resource.attributes())?)),
        (
            "dropped_attributes_count",
            Some(number(resource.dropped_attributes_count())),
        ),
        (
            "entity_refs",
            Some(list(resource.entity_refs().map(|entity| entity_ref(&entity?)))?),
        ),
    ]))
}

fn entity_ref(entity: &EntityRef<'_>) -> Result<String> {
    let (ids, descriptions) = (entity.id_keys(), entity.description_keys());
    Ok(text::message(vec![
        ("schema_url", Some(bytes(entity.schema_url()))),
        ("type", Some(bytes(entity.entity_type()))),
        ("id_keys", Some(list(ids.map(|key| Ok(bytes(key?))))?)),
        ("description_keys", Some(list(descriptions.map(|key| Ok(bytes(key?))))?)),
    ]))
}

fn scope(scope: &Scope<'_>) -> Result<String> {
    Ok(text::message(vec![
        ("name", Some(bytes(scope.name()))),
        ("version", Some(bytes(scope.version()))),
        ("attributes", Some(attributes(scope.attributes())?)),
        (
            "dropped_attributes_count",
            Some(number(scope.dropped_attributes_count())),
        ),
    ]))
}

fn attributes(attributes: KeyValues<'_>) -> Result<String> {
    list(attributes.map(|attribute| key_value(&attribute?)))
}

fn key_value(attribute: &KeyValue<'_>) -> Result<String> {
    let shown = attribute.has_value().then(|| attribute.value().and_then(value));
    Ok(text::message(vec![
        ("key", Some(bytes(attribute.key()))),
        ("value", shown.transpose()?),
        ("key_strindex", Some(number(attribute.key_string_index()))),
    ]))
}

fn value(value: Value<'_>) -> Result<String> {
    let (name, shown) = match value {
        Value::Empty => return Ok(text::message(vec![])),
        Value::Str(text) => ("string_value", bytes(text)),
        Value::Bool(truth) => ("bool_value", number(u8::from(truth))),
        Value::Int(int) => ("int_value", number(int)),
        Value::Double(value) => ("double_value", double(value)),
        Value::Bytes(value) => ("bytes_value", bytes(value)),
        Value::StringIndex(index) => ("string_value_strindex", number(index)),
        Value::Array(array) => {
            let values = list(array.iter().map(|element| self::value(element?)))?;
            ("array_value", text::message(vec![("values", Some(values))]))
        }
        Value::Map(map) => {
            let values = attributes(map.iter())?;
            ("kvlist_value", text::message(vec![("values", Some(values))]))
        }
    };
    Ok(text::message(vec![(name, Some(shown))]))
}
