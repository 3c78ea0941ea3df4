//! The only place that makes Python exceptions of the core's errors.

use pyo3::PyErr;
use pyo3::exceptions::{PyOSError, PyValueError};
use spanwire_transport::ConfigError;
use spanwire_wire::DecodeError;

/// A configuration that cannot work: `ValueError`, whose text says what to do.
pub fn config(error: &ConfigError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// The system refused: `OSError`.
pub fn system(error: &std::io::Error) -> PyErr {
    PyOSError::new_err(error.to_string())
}

/// Malformed bytes as a `ValueError`; never happens to bytes that were validated.
#[allow(clippy::needless_pass_by_value)] // for `map_err`
pub fn decode_error(error: DecodeError) -> PyErr {
    PyValueError::new_err(format!("malformed OTLP: {error}"))
}
