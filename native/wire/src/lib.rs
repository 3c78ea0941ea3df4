//! OTLP protobuf: varints, tags, writers and lazy strict readers. No I/O, no clock, no threads, no Python.
#![cfg_attr(not(test), no_std)]

extern crate alloc;
#[cfg(test)]
extern crate self as spanwire_wire; // for what the tests of this folder share with those of tests/

#[cfg(test)]
#[path = "../tests/common/mod.rs"]
mod common;

pub mod answer;
pub mod arena;
pub mod attribute;
pub mod envelope;
pub mod error;
pub mod id;
pub mod parts;
pub mod read;
pub mod request;
pub mod schema;
pub mod signal;
pub mod span;
pub mod tag;
pub mod time;
pub mod validate;
pub mod value;
pub mod varint;
pub mod write;

pub use answer::ExportAnswer;
pub use attribute::{KeyValue, KeyValues};
pub use error::{DecodeError, DecodeErrorKind};
pub use id::{SpanId, TraceId};
pub use request::TraceRequest;
pub use signal::Signal;
pub use span::{EventView, LinkView, SpanKind, SpanView, StatusCode, StatusView};
pub use time::UnixNanos;
pub use validate::{Counts, count_items, validate};
pub use value::Value;
