//! Traces: typed views of a request and of its spans.

pub mod request;
pub mod span;
