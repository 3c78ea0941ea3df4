//! OTLP/JSON, both ways, on wire's readers and writers.

mod respond;

pub use respond::{rpc_status, trace_response};

/// Temporary: until the reader is there.
///
/// # Errors
/// Always.
pub fn traces_to_wire(_json: &[u8], _out: &mut Vec<u8>) -> Result<(), String> {
    Err("JSON is not supported yet".into())
}
