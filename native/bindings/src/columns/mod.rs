//! Spans as columns: numpy's memory to requests and back.

mod decode;
pub mod encode;
pub mod export;
mod gather;
mod heads;
mod source;
mod values;

use pyo3::prelude::*;

use crate::ffi::buffer::NativeBuffer;

/// Adds the classes and functions to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<NativeBuffer>()?;
    module.add_function(wrap_pyfunction!(decode::decode_columns, module)?)?;
    module.add_function(wrap_pyfunction!(gather::gather_strings, module)?)?;
    module.add_class::<encode::ColumnEncoder>()?;
    module.add_function(wrap_pyfunction!(heads::encode_heads, module)?)?;
    module.add_function(wrap_pyfunction!(heads::decode_heads, module)?)?;
    module.add_function(wrap_pyfunction!(values::encode_any_values, module)?)?;
    module.add_function(wrap_pyfunction!(values::decode_any_value, module)?)
}
