//! The messages and their fields, in the order of the .proto files.

use super::Kind::{
    Bool, Bytes, Double, Enum, Fixed32, Fixed64, Int32, Int64, Message, Sfixed64, Sint32, SpanId, TraceId, Uint32,
    Uint64, Utf8,
};
use super::{Field, Kind, Label};

/// Length of a name in JSON: that of the constant without its underscores.
const fn json_len(name: &str) -> usize {
    let (bytes, mut at, mut len) = (name.as_bytes(), 0, 0);
    while at < bytes.len() {
        if bytes[at] != b'_' {
            len += 1;
        }
        at += 1;
    }
    len
}

/// A constant's name in lowerCamelCase, by protobuf's rule.
const fn json_name<const N: usize>(name: &str) -> [u8; N] {
    let (bytes, mut json, mut at, mut to) = (name.as_bytes(), [0; N], 0, 0);
    while at < bytes.len() {
        if bytes[at] != b'_' {
            let is_capital = at > 0 && bytes[at - 1] == b'_';
            json[to] = if is_capital {
                bytes[at]
            } else {
                bytes[at].to_ascii_lowercase()
            };
            to += 1;
        }
        at += 1;
    }
    json
}

/// A const's bytes as text.
const fn text(bytes: &'static [u8]) -> &'static str {
    match core::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => panic!("names are ASCII"),
    }
}

const fn field(number: u32, names: [&'static str; 2], label: Label, kind: Kind) -> Field {
    let [name, json] = names;
    Field {
        number,
        name,
        json,
        kind,
        label,
    }
}

const fn one(number: u32, names: [&'static str; 2], kind: Kind) -> Field {
    field(number, names, Label::One, kind)
}

const fn optional(number: u32, names: [&'static str; 2], kind: Kind) -> Field {
    field(number, names, Label::Optional, kind)
}

const fn one_of(number: u32, names: [&'static str; 2], kind: Kind) -> Field {
    field(number, names, Label::OneOf, kind)
}

const fn many(number: u32, names: [&'static str; 2], kind: Kind) -> Field {
    field(number, names, Label::Many, kind)
}

/// Declares the messages: [`Type`], its fields, and a module of field numbers for each.
macro_rules! messages {
    ($($of:ident $module:ident $full:literal { $($field:ident = $number:literal $label:ident($kind:expr),)* })*) => {
        /// A message's type.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        #[repr(u8)]
        pub enum Type {
            $(#[doc = concat!("`", $full, "`")] $of,)*
        }

        use Type::*;

        impl Type {
            /// Each type at its own number.
            pub const ALL: &'static [Self] = &[$($of,)*];

            /// Its full name in protobuf.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $($of => $full,)* }
            }

            /// Its fields in the order of the .proto file.
            #[inline]
            #[must_use]
            pub const fn fields(self) -> &'static [Field] {
                match self {
                    $($of => const { &[$($label(
                        $number,
                        [stringify!($field), text(const { &json_name::<{ json_len(stringify!($field)) }>(stringify!($field)) })],
                        $kind,
                    ),)*] },)*
                }
            }
        }

        /// The numbers of the fields, a module for each message.
        pub mod numbers {
            $(#[doc = concat!("`", $full, "`")]
            #[expect(missing_docs, reason = "named as in the .proto file")]
            pub mod $module {
                $(pub const $field: u32 = $number;)*
            })*
        }
    };
}

#[rustfmt::skip]
messages! {
    TraceRequest export_request "opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest" {
        RESOURCE_SPANS = 1 many(Message(ResourceSpans)),
    }
    ResourceSpans resource_spans "opentelemetry.proto.trace.v1.ResourceSpans" {
        RESOURCE = 1 one(Message(Resource)),
        SCOPE_SPANS = 2 many(Message(ScopeSpans)),
        SCHEMA_URL = 3 one(Utf8),
    }
    Resource resource "opentelemetry.proto.resource.v1.Resource" {
        ATTRIBUTES = 1 many(Message(KeyValue)),
        DROPPED_ATTRIBUTES_COUNT = 2 one(Uint32),
        ENTITY_REFS = 3 many(Message(EntityRef)),
    }
    KeyValue key_value "opentelemetry.proto.common.v1.KeyValue" {
        KEY = 1 one(Utf8),
        VALUE = 2 one(Message(AnyValue)),
        KEY_STRINDEX = 3 one(Int32),
    }
    AnyValue any_value "opentelemetry.proto.common.v1.AnyValue" {
        STRING_VALUE = 1 one_of(Utf8),
        BOOL_VALUE = 2 one_of(Bool),
        INT_VALUE = 3 one_of(Int64),
        DOUBLE_VALUE = 4 one_of(Double),
        ARRAY_VALUE = 5 one_of(Message(ArrayValue)),
        KVLIST_VALUE = 6 one_of(Message(KeyValueList)),
        BYTES_VALUE = 7 one_of(Bytes),
        STRING_VALUE_STRINDEX = 8 one_of(Int32),
    }
    ArrayValue array_value "opentelemetry.proto.common.v1.ArrayValue" {
        VALUES = 1 many(Message(AnyValue)),
    }
    KeyValueList key_value_list "opentelemetry.proto.common.v1.KeyValueList" {
        VALUES = 1 many(Message(KeyValue)),
    }
    EntityRef entity_ref "opentelemetry.proto.common.v1.EntityRef" {
        SCHEMA_URL = 1 one(Utf8),
        TYPE = 2 one(Utf8),
        ID_KEYS = 3 many(Utf8),
        DESCRIPTION_KEYS = 4 many(Utf8),
    }
    ScopeSpans scope_spans "opentelemetry.proto.trace.v1.ScopeSpans" {
        SCOPE = 1 one(Message(Scope)),
        SPANS = 2 many(Message(Span)),
        SCHEMA_URL = 3 one(Utf8),
    }
    Scope scope "opentelemetry.proto.common.v1.InstrumentationScope" {
        NAME = 1 one(Utf8),
        VERSION = 2 one(Utf8),
        ATTRIBUTES = 3 many(Message(KeyValue)),
        DROPPED_ATTRIBUTES_COUNT = 4 one(Uint32),
    }
    Span span "opentelemetry.proto.trace.v1.Span" {
        TRACE_ID = 1 one(TraceId),
        SPAN_ID = 2 one(SpanId),
        TRACE_STATE = 3 one(Utf8),
        PARENT_SPAN_ID = 4 one(SpanId),
        FLAGS = 16 one(Fixed32),
        NAME = 5 one(Utf8),
        KIND = 6 one(Enum),
        START_TIME_UNIX_NANO = 7 one(Fixed64),
        END_TIME_UNIX_NANO = 8 one(Fixed64),
        ATTRIBUTES = 9 many(Message(KeyValue)),
        DROPPED_ATTRIBUTES_COUNT = 10 one(Uint32),
        EVENTS = 11 many(Message(Event)),
        DROPPED_EVENTS_COUNT = 12 one(Uint32),
        LINKS = 13 many(Message(Link)),
        DROPPED_LINKS_COUNT = 14 one(Uint32),
        STATUS = 15 one(Message(Status)),
    }
    Event event "opentelemetry.proto.trace.v1.Span.Event" {
        TIME_UNIX_NANO = 1 one(Fixed64),
        NAME = 2 one(Utf8),
        ATTRIBUTES = 3 many(Message(KeyValue)),
        DROPPED_ATTRIBUTES_COUNT = 4 one(Uint32),
    }
    Link link "opentelemetry.proto.trace.v1.Span.Link" {
        TRACE_ID = 1 one(TraceId),
        SPAN_ID = 2 one(SpanId),
        TRACE_STATE = 3 one(Utf8),
        ATTRIBUTES = 4 many(Message(KeyValue)),
        DROPPED_ATTRIBUTES_COUNT = 5 one(Uint32),
        FLAGS = 6 one(Fixed32),
    }
    Status status "opentelemetry.proto.trace.v1.Status" {
        MESSAGE = 2 one(Utf8),
        CODE = 3 one(Enum),
    }
    TraceResponse export_response "opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse" {
        PARTIAL_SUCCESS = 1 one(Message(TracePartialSuccess)),
    }
    TracePartialSuccess partial_success "opentelemetry.proto.collector.trace.v1.ExportTracePartialSuccess" {
        REJECTED_SPANS = 1 one(Int64),
        ERROR_MESSAGE = 2 one(Utf8),
    }
    LogsRequest logs_export_request "opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest" {
        RESOURCE_LOGS = 1 many(Message(ResourceLogs)),
    }
    ResourceLogs resource_logs "opentelemetry.proto.logs.v1.ResourceLogs" {
        RESOURCE = 1 one(Message(Resource)),
        SCOPE_LOGS = 2 many(Message(ScopeLogs)),
        SCHEMA_URL = 3 one(Utf8),
    }
    ScopeLogs scope_logs "opentelemetry.proto.logs.v1.ScopeLogs" {
        SCOPE = 1 one(Message(Scope)),
        LOG_RECORDS = 2 many(Message(LogRecord)),
        SCHEMA_URL = 3 one(Utf8),
    }
    LogRecord log_record "opentelemetry.proto.logs.v1.LogRecord" {
        TIME_UNIX_NANO = 1 one(Fixed64),
        OBSERVED_TIME_UNIX_NANO = 11 one(Fixed64),
        SEVERITY_NUMBER = 2 one(Enum),
        SEVERITY_TEXT = 3 one(Utf8),
        BODY = 5 one(Message(AnyValue)),
        ATTRIBUTES = 6 many(Message(KeyValue)),
        DROPPED_ATTRIBUTES_COUNT = 7 one(Uint32),
        FLAGS = 8 one(Fixed32),
        TRACE_ID = 9 one(TraceId),
        SPAN_ID = 10 one(SpanId),
        EVENT_NAME = 12 one(Utf8),
    }
    LogsResponse logs_export_response "opentelemetry.proto.collector.logs.v1.ExportLogsServiceResponse" {
        PARTIAL_SUCCESS = 1 one(Message(LogsPartialSuccess)),
    }
    LogsPartialSuccess logs_partial_success "opentelemetry.proto.collector.logs.v1.ExportLogsPartialSuccess" {
        REJECTED_LOG_RECORDS = 1 one(Int64),
        ERROR_MESSAGE = 2 one(Utf8),
    }
    MetricsRequest metrics_export_request "opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest" {
        RESOURCE_METRICS = 1 many(Message(ResourceMetrics)),
    }
    ResourceMetrics resource_metrics "opentelemetry.proto.metrics.v1.ResourceMetrics" {
        RESOURCE = 1 one(Message(Resource)),
        SCOPE_METRICS = 2 many(Message(ScopeMetrics)),
        SCHEMA_URL = 3 one(Utf8),
    }
    ScopeMetrics scope_metrics "opentelemetry.proto.metrics.v1.ScopeMetrics" {
        SCOPE = 1 one(Message(Scope)),
        METRICS = 2 many(Message(Metric)),
        SCHEMA_URL = 3 one(Utf8),
    }
    Metric metric "opentelemetry.proto.metrics.v1.Metric" {
        NAME = 1 one(Utf8),
        DESCRIPTION = 2 one(Utf8),
        UNIT = 3 one(Utf8),
        GAUGE = 5 one_of(Message(Gauge)),
        SUM = 7 one_of(Message(Sum)),
        HISTOGRAM = 9 one_of(Message(Histogram)),
        EXPONENTIAL_HISTOGRAM = 10 one_of(Message(ExponentialHistogram)),
        SUMMARY = 11 one_of(Message(Summary)),
        METADATA = 12 many(Message(KeyValue)),
    }
    Gauge gauge "opentelemetry.proto.metrics.v1.Gauge" {
        DATA_POINTS = 1 many(Message(NumberDataPoint)),
    }
    NumberDataPoint number_data_point "opentelemetry.proto.metrics.v1.NumberDataPoint" {
        ATTRIBUTES = 7 many(Message(KeyValue)),
        START_TIME_UNIX_NANO = 2 one(Fixed64),
        TIME_UNIX_NANO = 3 one(Fixed64),
        AS_DOUBLE = 4 one_of(Double),
        AS_INT = 6 one_of(Sfixed64),
        EXEMPLARS = 5 many(Message(Exemplar)),
        FLAGS = 8 one(Uint32),
    }
    Exemplar exemplar "opentelemetry.proto.metrics.v1.Exemplar" {
        FILTERED_ATTRIBUTES = 7 many(Message(KeyValue)),
        TIME_UNIX_NANO = 2 one(Fixed64),
        AS_DOUBLE = 3 one_of(Double),
        AS_INT = 6 one_of(Sfixed64),
        SPAN_ID = 4 one(SpanId),
        TRACE_ID = 5 one(TraceId),
    }
    Sum sum "opentelemetry.proto.metrics.v1.Sum" {
        DATA_POINTS = 1 many(Message(NumberDataPoint)),
        AGGREGATION_TEMPORALITY = 2 one(Enum),
        IS_MONOTONIC = 3 one(Bool),
    }
    Histogram histogram "opentelemetry.proto.metrics.v1.Histogram" {
        DATA_POINTS = 1 many(Message(HistogramDataPoint)),
        AGGREGATION_TEMPORALITY = 2 one(Enum),
    }
    HistogramDataPoint histogram_data_point "opentelemetry.proto.metrics.v1.HistogramDataPoint" {
        ATTRIBUTES = 9 many(Message(KeyValue)),
        START_TIME_UNIX_NANO = 2 one(Fixed64),
        TIME_UNIX_NANO = 3 one(Fixed64),
        COUNT = 4 one(Fixed64),
        SUM = 5 optional(Double),
        BUCKET_COUNTS = 6 many(Fixed64),
        EXPLICIT_BOUNDS = 7 many(Double),
        EXEMPLARS = 8 many(Message(Exemplar)),
        FLAGS = 10 one(Uint32),
        MIN = 11 optional(Double),
        MAX = 12 optional(Double),
    }
    ExponentialHistogram exponential_histogram "opentelemetry.proto.metrics.v1.ExponentialHistogram" {
        DATA_POINTS = 1 many(Message(ExponentialHistogramDataPoint)),
        AGGREGATION_TEMPORALITY = 2 one(Enum),
    }
    ExponentialHistogramDataPoint exponential_histogram_data_point "opentelemetry.proto.metrics.v1.ExponentialHistogramDataPoint" {
        ATTRIBUTES = 1 many(Message(KeyValue)),
        START_TIME_UNIX_NANO = 2 one(Fixed64),
        TIME_UNIX_NANO = 3 one(Fixed64),
        COUNT = 4 one(Fixed64),
        SUM = 5 optional(Double),
        SCALE = 6 one(Sint32),
        ZERO_COUNT = 7 one(Fixed64),
        POSITIVE = 8 one(Message(Buckets)),
        NEGATIVE = 9 one(Message(Buckets)),
        FLAGS = 10 one(Uint32),
        EXEMPLARS = 11 many(Message(Exemplar)),
        MIN = 12 optional(Double),
        MAX = 13 optional(Double),
        ZERO_THRESHOLD = 14 one(Double),
    }
    Buckets buckets "opentelemetry.proto.metrics.v1.ExponentialHistogramDataPoint.Buckets" {
        OFFSET = 1 one(Sint32),
        BUCKET_COUNTS = 2 many(Uint64),
    }
    Summary summary "opentelemetry.proto.metrics.v1.Summary" {
        DATA_POINTS = 1 many(Message(SummaryDataPoint)),
    }
    SummaryDataPoint summary_data_point "opentelemetry.proto.metrics.v1.SummaryDataPoint" {
        ATTRIBUTES = 7 many(Message(KeyValue)),
        START_TIME_UNIX_NANO = 2 one(Fixed64),
        TIME_UNIX_NANO = 3 one(Fixed64),
        COUNT = 4 one(Fixed64),
        SUM = 5 one(Double),
        QUANTILE_VALUES = 6 many(Message(ValueAtQuantile)),
        FLAGS = 8 one(Uint32),
    }
    ValueAtQuantile value_at_quantile "opentelemetry.proto.metrics.v1.SummaryDataPoint.ValueAtQuantile" {
        QUANTILE = 1 one(Double),
        VALUE = 2 one(Double),
    }
    MetricsResponse metrics_export_response "opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceResponse" {
        PARTIAL_SUCCESS = 1 one(Message(MetricsPartialSuccess)),
    }
    MetricsPartialSuccess metrics_partial_success "opentelemetry.proto.collector.metrics.v1.ExportMetricsPartialSuccess" {
        REJECTED_DATA_POINTS = 1 one(Int64),
        ERROR_MESSAGE = 2 one(Utf8),
    }
    ProfilesRequest profiles_export_request "opentelemetry.proto.collector.profiles.v1development.ExportProfilesServiceRequest" {
        RESOURCE_PROFILES = 1 many(Message(ResourceProfiles)),
        DICTIONARY = 2 one(Message(ProfilesDictionary)),
    }
    ResourceProfiles resource_profiles "opentelemetry.proto.profiles.v1development.ResourceProfiles" {
        RESOURCE = 1 one(Message(Resource)),
        SCOPE_PROFILES = 2 many(Message(ScopeProfiles)),
        SCHEMA_URL = 3 one(Utf8),
    }
    ScopeProfiles scope_profiles "opentelemetry.proto.profiles.v1development.ScopeProfiles" {
        SCOPE = 1 one(Message(Scope)),
        PROFILES = 2 many(Message(Profile)),
        SCHEMA_URL = 3 one(Utf8),
    }
    Profile profile "opentelemetry.proto.profiles.v1development.Profile" {
        SAMPLE_TYPE = 1 one(Message(ValueType)),
        SAMPLES = 2 many(Message(Sample)),
        TIME_UNIX_NANO = 3 one(Fixed64),
        DURATION_NANO = 4 one(Uint64),
        PERIOD_TYPE = 5 one(Message(ValueType)),
        PERIOD = 6 one(Int64),
        PROFILE_ID = 7 one(Bytes),
        DROPPED_ATTRIBUTES_COUNT = 8 one(Uint32),
        ORIGINAL_PAYLOAD_FORMAT = 9 one(Utf8),
        ORIGINAL_PAYLOAD = 10 one(Bytes),
        ATTRIBUTE_INDICES = 11 many(Int32),
    }
    ValueType value_type "opentelemetry.proto.profiles.v1development.ValueType" {
        TYPE_STRINDEX = 1 one(Int32),
        UNIT_STRINDEX = 2 one(Int32),
    }
    Sample sample "opentelemetry.proto.profiles.v1development.Sample" {
        STACK_INDEX = 1 one(Int32),
        ATTRIBUTE_INDICES = 2 many(Int32),
        LINK_INDEX = 3 one(Int32),
        VALUES = 4 many(Int64),
        TIMESTAMPS_UNIX_NANO = 5 many(Fixed64),
    }
    ProfilesDictionary profiles_dictionary "opentelemetry.proto.profiles.v1development.ProfilesDictionary" {
        MAPPING_TABLE = 1 many(Message(Mapping)),
        LOCATION_TABLE = 2 many(Message(Location)),
        FUNCTION_TABLE = 3 many(Message(Function)),
        LINK_TABLE = 4 many(Message(ProfileLink)),
        STRING_TABLE = 5 many(Utf8),
        ATTRIBUTE_TABLE = 6 many(Message(KeyValueAndUnit)),
        STACK_TABLE = 7 many(Message(Stack)),
    }
    Mapping mapping "opentelemetry.proto.profiles.v1development.Mapping" {
        MEMORY_START = 1 one(Uint64),
        MEMORY_LIMIT = 2 one(Uint64),
        FILE_OFFSET = 3 one(Uint64),
        FILENAME_STRINDEX = 4 one(Int32),
        ATTRIBUTE_INDICES = 5 many(Int32),
    }
    Location location "opentelemetry.proto.profiles.v1development.Location" {
        MAPPING_INDEX = 1 one(Int32),
        ADDRESS = 2 one(Uint64),
        LINES = 3 many(Message(Line)),
        ATTRIBUTE_INDICES = 4 many(Int32),
    }
    Line line "opentelemetry.proto.profiles.v1development.Line" {
        FUNCTION_INDEX = 1 one(Int32),
        LINE = 2 one(Int64),
        COLUMN = 3 one(Int64),
    }
    Function function "opentelemetry.proto.profiles.v1development.Function" {
        NAME_STRINDEX = 1 one(Int32),
        SYSTEM_NAME_STRINDEX = 2 one(Int32),
        FILENAME_STRINDEX = 3 one(Int32),
        START_LINE = 4 one(Int64),
    }
    ProfileLink profile_link "opentelemetry.proto.profiles.v1development.Link" {
        TRACE_ID = 1 one(TraceId),
        SPAN_ID = 2 one(SpanId),
    }
    KeyValueAndUnit key_value_and_unit "opentelemetry.proto.profiles.v1development.KeyValueAndUnit" {
        KEY_STRINDEX = 1 one(Int32),
        VALUE = 2 one(Message(AnyValue)),
        UNIT_STRINDEX = 3 one(Int32),
    }
    Stack stack "opentelemetry.proto.profiles.v1development.Stack" {
        LOCATION_INDICES = 1 many(Int32),
    }
    ProfilesResponse profiles_export_response "opentelemetry.proto.collector.profiles.v1development.ExportProfilesServiceResponse" {
        PARTIAL_SUCCESS = 1 one(Message(ProfilesPartialSuccess)),
    }
    ProfilesPartialSuccess profiles_partial_success "opentelemetry.proto.collector.profiles.v1development.ExportProfilesPartialSuccess" {
        REJECTED_PROFILES = 1 one(Int64),
        ERROR_MESSAGE = 2 one(Utf8),
    }
    RpcStatus rpc_status "google.rpc.Status" {
        CODE = 1 one(Int32),
        MESSAGE = 2 one(Utf8),
        DETAILS = 3 many(Message(Any)),
    }
    Any any "google.protobuf.Any" {
        TYPE_URL = 1 one(Utf8),
        VALUE = 2 one(Bytes),
    }
    RetryInfo retry_info "google.rpc.RetryInfo" {
        RETRY_DELAY = 1 one(Message(Duration)),
    }
    Duration duration "google.protobuf.Duration" {
        SECONDS = 1 one(Int64),
        NANOS = 2 one(Int32),
    }
}
