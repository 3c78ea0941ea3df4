//! Strings that lie anywhere, put one behind the other: Arrow wants them so.

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::ffi::buffer::NativeBuffer;
use crate::ffi::lent::lent;

/// n + 1 offsets (int64) and the bytes of n strings, of which each is `lengths[i]` bytes of `data` from `starts[i]` on.
#[pyfunction]
#[allow(clippy::needless_pass_by_value, reason = "buffers are given back when the call ends")]
pub fn gather_strings(
    data: PyBuffer<u8>,
    starts: PyBuffer<i64>,
    lengths: PyBuffer<i64>,
) -> PyResult<(NativeBuffer, NativeBuffer)> {
    let (data, starts, lengths) = (lent(&data)?, lent(&starts)?, lent(&lengths)?);
    let mut gathered = Vec::new();
    let mut offsets = Vec::with_capacity(starts.len() + 1);
    offsets.push(0_i64);
    for row in 0..starts.len().min(lengths.len()) {
        let (start, length) = (starts.get(row), lengths.get(row));
        let bytes = usize::try_from(start).ok().and_then(|start| {
            let end = start.checked_add(usize::try_from(length).ok()?)?;
            (end <= data.len()).then(|| data.slice(start, end))
        });
        let Some(bytes) = bytes else {
            let len = data.len();
            return Err(PyValueError::new_err(format!(
                "value {row} is {length} bytes from {start} on, outside of data, which has {len} bytes"
            )));
        };
        gathered.extend_from_slice(bytes);
        offsets.push(i64::try_from(gathered.len())?);
    }
    Ok((offsets.into(), gathered.into()))
}
