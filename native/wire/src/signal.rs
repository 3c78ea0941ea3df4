//! [`Signal`]: the only place that knows how traces, logs, metrics and profiles differ.
//!
//! Their requests are laid out alike: resources, in these scopes, in these items. The answers are equal byte for byte.

use crate::metric::MetricData;
use crate::protobuf::error::DecodeError;
use crate::protobuf::read::Message;
use crate::protobuf::tag::WireType;
use crate::schema::{Field, Type, numbers};

/// What a request carries.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum Signal {
    /// Spans.
    Traces = 0,
    /// Log records.
    Logs = 1,
    /// Metrics, each with its data points.
    Metrics = 2,
    /// Profiles, which refer to a dictionary beside the resources.
    Profiles = 3,
}

/// How a signal and its parts are called.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Names {
    /// The signal: `traces`.
    pub signal: &'static str,
    /// One item, to people: `span`.
    pub item: &'static str,
    /// Its items, to people: `log records`.
    pub items: &'static str,
    /// What is counted, to people: as the items, but for metrics the data points.
    pub points: &'static str,
    /// The request's list of resources in JSON: `resourceSpans`.
    pub json_resources: &'static str,
    /// A resource's list of scopes in JSON: `scopeSpans`.
    pub json_scopes: &'static str,
    /// A scope's list of items in JSON: `spans`.
    pub json_items: &'static str,
    /// What an answer calls the number of rejected items in JSON: `rejectedSpans`.
    pub json_rejected: &'static str,
}

/// The messages around a signal's items.
struct Types {
    request: Type,
    resource_group: Type,
    scope_group: Type,
    item: Type,
    response: Type,
    partial_success: Type,
}

static TYPES: [Types; 4] = [
    Types {
        request: Type::TraceRequest,
        resource_group: Type::ResourceSpans,
        scope_group: Type::ScopeSpans,
        item: Type::Span,
        response: Type::TraceResponse,
        partial_success: Type::TracePartialSuccess,
    },
    Types {
        request: Type::LogsRequest,
        resource_group: Type::ResourceLogs,
        scope_group: Type::ScopeLogs,
        item: Type::LogRecord,
        response: Type::LogsResponse,
        partial_success: Type::LogsPartialSuccess,
    },
    Types {
        request: Type::MetricsRequest,
        resource_group: Type::ResourceMetrics,
        scope_group: Type::ScopeMetrics,
        item: Type::Metric,
        response: Type::MetricsResponse,
        partial_success: Type::MetricsPartialSuccess,
    },
    Types {
        request: Type::ProfilesRequest,
        resource_group: Type::ResourceProfiles,
        scope_group: Type::ScopeProfiles,
        item: Type::Profile,
        response: Type::ProfilesResponse,
        partial_success: Type::ProfilesPartialSuccess,
    },
];

/// The JSON name of a declared field.
const fn json(of: Type, number: u32) -> &'static str {
    match of.field(number) {
        Some(&Field { json, .. }) => json,
        None => panic!("no such field"),
    }
}

const fn names(
    at: usize,
    signal: &'static str,
    item: &'static str,
    items: &'static str,
    points: &'static str,
) -> Names {
    let types = &TYPES[at];
    Names {
        signal,
        item,
        items,
        points,
        json_resources: json(types.request, Signal::RESOURCES),
        json_scopes: json(types.resource_group, Signal::SCOPES),
        json_items: json(types.scope_group, Signal::ITEMS),
        json_rejected: json(types.partial_success, numbers::partial_success::REJECTED_SPANS),
    }
}

static NAMES: [Names; 4] = [
    names(0, "traces", "span", "spans", "spans"),
    names(1, "logs", "log record", "log records", "log records"),
    names(2, "metrics", "metric", "metrics", "data points"),
    names(3, "profiles", "profile", "profiles", "profiles"),
];

impl Signal {
    /// All of them, each at its own number.
    pub const ALL: [Self; 4] = [Self::Traces, Self::Logs, Self::Metrics, Self::Profiles];
    /// The field of a scope's group that holds items.
    pub const ITEMS: u32 = 2;
    /// The field of a resource's group that holds the resource.
    pub const RESOURCE: u32 = 1;
    /// The field of a request that holds resources' groups.
    pub const RESOURCES: u32 = 1;
    /// The field of a group that holds its schema URL.
    pub const SCHEMA_URL: u32 = 3;
    /// The field of a scope's group that holds the scope.
    pub const SCOPE: u32 = 1;
    /// The field of a resource's group that holds scopes' groups.
    pub const SCOPES: u32 = 2;

    /// The signal with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The signal that is called so: `logs`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|signal| signal.names().signal == name)
    }

    /// The signal that is sent to this path.
    #[must_use]
    pub fn from_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|signal| signal.path() == path)
    }

    /// The signal that is sent by this method of gRPC.
    #[must_use]
    pub fn from_method(method: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|signal| signal.method() == method)
    }

    const fn types(self) -> &'static Types {
        &TYPES[self as usize]
    }

    /// The request.
    #[must_use]
    pub const fn request(self) -> Type {
        self.types().request
    }

    /// A resource with its scopes.
    #[must_use]
    pub const fn resource_group(self) -> Type {
        self.types().resource_group
    }

    /// A scope with its items.
    #[must_use]
    pub const fn scope_group(self) -> Type {
        self.types().scope_group
    }

    /// An item.
    #[must_use]
    pub const fn item(self) -> Type {
        self.types().item
    }

    /// The answer.
    #[must_use]
    pub const fn response(self) -> Type {
        self.types().response
    }

    /// How it and its parts are called.
    #[must_use]
    pub const fn names(self) -> &'static Names {
        &NAMES[self as usize]
    }

    /// Where requests go by HTTP, behind the endpoint.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Traces => "/v1/traces",
            Self::Logs => "/v1/logs",
            Self::Metrics => "/v1/metrics",
            Self::Profiles => "/v1development/profiles",
        }
    }

    /// Where requests go by gRPC: service and method.
    #[must_use]
    pub const fn method(self) -> &'static str {
        match self {
            Self::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Self::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            Self::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            Self::Profiles => "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export",
        }
    }

    /// What an item counts for: 1, a metric its data points. Of a malformed one what is in front of the error.
    #[must_use]
    pub fn weigh(self, item: &[u8]) -> usize {
        match self {
            Self::Traces | Self::Logs | Self::Profiles => 1,
            Self::Metrics => data_points(item),
        }
    }

    /// The trace that an item belongs to: the bytes of its id, none where it has none. The last one on the wire counts.
    ///
    /// # Errors
    /// If a field is malformed and there is no id in front of it.
    pub fn trace_id(self, item: &[u8]) -> Result<&[u8], DecodeError> {
        let number = match self {
            Self::Traces => numbers::span::TRACE_ID,
            Self::Logs => numbers::log_record::TRACE_ID,
            Self::Metrics | Self::Profiles => return Ok(&[]),
        };
        let mut id = &[][..];
        for field in Message::new(item).fields() {
            match field {
                Ok(field) if field.number() == number && field.wire_type() == WireType::Len => {
                    id = field.message().bytes();
                }
                Err(error) if id.is_empty() => return Err(error),
                _ => {}
            }
        }
        Ok(id)
    }
}

/// In each member of a metric's oneof.
const DATA_POINTS: u32 = numbers::gauge::DATA_POINTS;

fn data_points(metric: &[u8]) -> usize {
    // The data are a oneof: the last member on the wire counts, with all its occurrences in a row.
    let (mut member, mut points) = (0, 0);
    for field in Message::new(metric).fields().map_while(Result::ok) {
        if MetricData::is_member(field.number()) && field.wire_type() == WireType::Len {
            if field.number() != member {
                (member, points) = (field.number(), 0);
            }
            let inside = field.message().fields().map_while(Result::ok);
            points += inside
                .filter(|field| field.number() == DATA_POINTS && field.wire_type() == WireType::Len)
                .count();
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Kind, Label};

    /// The table holds each signal's messages at the places that `Signal` names, and the answers are alike.
    #[test]
    fn the_signals_are_laid_out_alike() {
        let many = |of: Type, number, inner| {
            let field = of.field(number).expect("declared");
            assert_eq!((field.kind, field.label), (Kind::Message(inner), Label::Many), "{of:?}");
        };
        let kind = |of: Type, number| of.field(number).map(|field| (field.kind, field.label));
        for signal in Signal::ALL {
            many(signal.request(), Signal::RESOURCES, signal.resource_group());
            many(signal.resource_group(), Signal::SCOPES, signal.scope_group());
            many(signal.scope_group(), Signal::ITEMS, signal.item());
            let one = |kind| Some((kind, Label::One));
            assert_eq!(
                kind(signal.resource_group(), Signal::RESOURCE),
                one(Kind::Message(Type::Resource))
            );
            assert_eq!(
                kind(signal.scope_group(), Signal::SCOPE),
                one(Kind::Message(Type::Scope))
            );
            for group in [signal.resource_group(), signal.scope_group()] {
                assert_eq!(kind(group, Signal::SCHEMA_URL), one(Kind::Utf8));
            }
            let partial = signal.types().partial_success;
            assert_eq!(kind(signal.response(), 1), one(Kind::Message(partial)));
            assert_eq!(
                (kind(partial, 1), kind(partial, 2)),
                (one(Kind::Int64), one(Kind::Utf8))
            );
        }
        for field in Type::Metric.fields() {
            assert_eq!(MetricData::is_member(field.number), field.label == Label::OneOf);
            if let (true, Kind::Message(data)) = (MetricData::is_member(field.number), field.kind) {
                assert_eq!(data.field(DATA_POINTS).map(|field| field.json), Some("dataPoints"));
            }
        }
    }

    #[test]
    fn a_signal_is_found_by_number_name_path_and_method() {
        for (number, signal) in (0..).zip(Signal::ALL) {
            assert_eq!(Signal::from_number(number), Some(signal));
            assert_eq!(Signal::from_name(signal.names().signal), Some(signal));
            assert_eq!(Signal::from_path(signal.path()), Some(signal));
            assert_eq!(Signal::from_method(signal.method()), Some(signal));
        }
        assert_eq!(Signal::from_number(4), None);
        assert_eq!(Signal::from_path("/v1/spans"), None);
        let names = Signal::Metrics.names();
        assert_eq!(
            (names.json_resources, names.json_rejected),
            ("resourceMetrics", "rejectedDataPoints")
        );
        assert_eq!(Signal::Logs.names().json_items, "logRecords");
        assert_eq!(Signal::Profiles.names().json_rejected, "rejectedProfiles");
    }

    #[test]
    fn a_metric_weighs_as_many_data_points_as_its_last_member_holds() {
        let weigh = |bytes| Signal::Metrics.weigh(bytes);
        assert_eq!(weigh(&[]), 0);
        // A gauge of two points in two parts; then a sum of one, which replaces it.
        let gauge = [0x0A, 1, b'n', 0x2A, 2, 0x0A, 0, 0x2A, 2, 0x0A, 0];
        assert_eq!(weigh(&gauge), 2);
        assert_eq!(weigh(&[&gauge[..], &[0x3A, 4, 0x0A, 0, 0x10, 1]].concat()), 1);
        assert_eq!(Signal::Traces.weigh(&gauge), 1);
    }

    #[test]
    fn a_trace_id_is_read_where_the_signal_has_it() {
        let id: Vec<u8> = (1..=16).collect();
        let span = [&[0x0A, 16], &id[..]].concat();
        let log = [&[0x10, 9, 0x4A, 16], &id[..]].concat();
        assert_eq!(Signal::Traces.trace_id(&span), Ok(&id[..]));
        assert_eq!(Signal::Logs.trace_id(&log), Ok(&id[..]));
        for signal in [Signal::Metrics, Signal::Profiles] {
            assert_eq!(signal.trace_id(&span), Ok(&[][..]));
        }
        assert!(Signal::Logs.trace_id(&[0x4A, 16, 1]).is_err());
    }
}
