//! What is being recorded: a span's record from its first byte to its finished frame, and what a span is begun with (ids,
//! sampler, limits, clock). No Python, no threads, no I/O, no lock; a pooled record allocates nothing.
//!
//! A span is its wire bytes: every setter of [`SpanRecord`] writes protobuf at once, and [`SpanRecord::write_frame`] puts the
//! pieces together by one copy. What is recorded, in which order, and what is dropped is what OpenTelemetry's Python SDK keeps
//! in its `BoundedAttributes` and `BoundedList`.

mod attributes;
mod clock;
mod context;
mod ffi;
mod finish;
mod items;
mod keys;
mod limits;
mod pool;
mod random;
mod sampler;
mod span;
mod status;
mod value;

pub use attributes::AttributeIter;
pub use clock::Clock;
pub use context::SpanContext;
pub use limits::{Limits, MAX_RECORD_BYTES};
pub use pool::Pool;
pub use random::Ids;
pub use sampler::{Decision, Rule, Sampler};
pub use span::SpanRecord;
pub use status::Status;
pub use value::Value;
