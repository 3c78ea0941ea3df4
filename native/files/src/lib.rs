//! Files of recorded spans: [`Reader`] makes requests of whatever is found there, [`Writer`] writes them in any format, [`Stats`]
//! counts what is in them, [`Recording`] cuts them into requests to send again.
//!
//! A request is always the bytes of an `ExportTraceServiceRequest`; spans are never built as objects. Memory is bounded by one message
//! ([`reader::MAX_MESSAGE`]), but for a recording, which is held as a whole.

pub mod detect;
pub mod error;
pub mod input;
pub mod reader;
pub mod replay;
pub mod salvage;
pub mod stats;
pub mod unpack;
pub mod writer;

mod edit;
mod json;

pub use detect::Format;
pub use error::FileError;
pub use reader::{Piece, Reader};
pub use replay::{Plan, Recording, ReplayRequest, Shift};
pub use stats::Stats;
pub use unpack::Compression;
pub use writer::Writer;
