//! `spanwire._native`: `PyO3` for the control plane, the `_C_API` capsule for the hot path.

mod adoption;
mod api;
mod client;
mod columns;
mod durable;
mod encode;
mod errors;
mod ffi;
mod files;
mod filter;
mod frame_queue;
mod lanes;
mod otlp;
mod shared_queue;
mod simd_info;
mod sink;
mod sink_item;
mod sink_request;
mod sink_span;
mod sink_value;
mod tracer;
mod waiting;

use pyo3::exceptions::PyImportError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

/// What encoding left out, by reason, and which path spans took; part of `spanwire.stats()`.
#[pyfunction]
fn encode_counts(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    encode::counts(py)
}

/// One span, read by its public attributes, as a `Span` message; `None` if it has no usable ids.
#[pyfunction]
fn encode_span<'py>(py: Python<'py>, span: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyBytes>>> {
    encode::encode_span(py, span)
}

/// The Rust core of spanwire; private.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // What is kept natively (types of the SDK, interned strings) belongs to one interpreter; another one would hang on it.
    if !ffi::interpreter::is_main(module.py()) {
        return Err(PyImportError::new_err(
            "spanwire cannot be used in a subinterpreter: run the application in the main interpreter (with mod_wsgi: \
             WSGIApplicationGroup %{GLOBAL})",
        ));
    }
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    // Set by ci/pgo, so that a benchmark can say what it measured.
    module.add("is_profile_guided", option_env!("SPANWIRE_PGO") == Some("use"))?;
    module.add_function(wrap_pyfunction!(encode_counts, module)?)?;
    module.add_function(wrap_pyfunction!(encode_span, module)?)?;
    module.add("_C_API", api::capsule(module.py())?)?;
    adoption::register(module)?;
    columns::register(module)?;
    client::register(module)?;
    durable::register(module)?;
    files::register(module)?;
    frame_queue::register(module)?;
    shared_queue::register(module)?;
    simd_info::register(module)?;
    sink::register(module)?;
    otlp::register(module)?;
    tracer::register(module)?;
    Ok(())
}
