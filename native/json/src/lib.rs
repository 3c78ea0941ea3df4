//! OTLP/JSON, both ways, on wire's readers and writers.
//!
//! OTLP's rules differ from protobuf's own JSON mapping: trace and span ids are hex, enums are integers only, field
//! names are lowerCamelCase only, unknown fields are ignored. Both directions stream: no tree is built.

mod answer;
pub mod base64;
mod error;
mod from_wire;
mod respond;
mod scalar;
#[cfg(test)]
mod tests;
mod to_wire;
mod write;

pub use answer::{read_response, read_status_message};
pub use error::JsonError;
pub use from_wire::{from_wire, traces_from_wire};
pub use respond::{response, rpc_status};
pub use to_wire::{to_wire, traces_to_wire};
