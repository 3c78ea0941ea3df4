//! OTLP protobuf: varints, tags, writers and lazy strict readers. No I/O, no clock, no threads, no Python.
#![cfg_attr(not(test), no_std)]

extern crate alloc;
#[cfg(test)]
extern crate self as spanwire_wire; // for what the tests of this folder share with those of tests/

#[cfg(test)]
#[path = "../tests/common/mod.rs"]
mod common;

pub mod answer;
pub mod envelope;
pub mod id;
pub mod log;
pub mod metric;
pub mod profile;
pub mod protobuf;
mod protocol;
pub mod request;
pub mod schema;
pub mod signal;
pub mod time;
pub mod trace;

pub use answer::ExportAnswer;
pub use envelope::count_items;
pub use id::{SpanId, TraceId};
pub use log::{LogRecordView, LogsRequest};
pub use metric::{MetricView, MetricsRequest};
pub use profile::{ProfileView, ProfilesRequest};
pub use protobuf::error::{DecodeError, DecodeErrorKind};
pub use protobuf::value::{KeyValue, KeyValues, Value};
pub use protobuf::{arena, error, parts, read, tag, value, varint, write};
pub use protocol::Protocol;
pub use schema::validate::{self, Counts, validate};
pub use signal::Signal;
pub use time::UnixNanos;
pub use trace::span::{self, EventView, LinkView, SpanKind, SpanView, StatusCode, StatusView};
pub use trace::{ResourceSpans, ScopeSpans, TraceRequest};
