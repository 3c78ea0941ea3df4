//! `spanwire._native`: `PyO3` for the control plane, the `_C_API` capsule for the hot path.

mod api;
mod encode;
mod ffi;
mod sink;
mod sink_request;
mod sink_span;
mod sink_value;

use pyo3::prelude::*;

/// The Rust core of spanwire; private.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("_C_API", api::capsule(module.py())?)?;
    sink::register(module)?;
    Ok(())
}
