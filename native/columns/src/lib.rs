//! Spans as columns: to OTLP requests and back. No I/O, no clock, no Python.

pub mod decode;
pub mod encode;
pub mod error;
pub mod ffi;
mod text;

pub use error::EncodeError;
pub use ffi::Shared;
