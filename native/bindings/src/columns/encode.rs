//! [`ColumnEncoder`]: columns of Python's, checked and held, and the requests made of them.

use std::collections::HashMap;
use std::sync::Arc;

use pyo3::exceptions::{PyMemoryError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use spanwire_columns::EncodeError;
use spanwire_columns::encode::{Heads, Oversized, Plan};
use spanwire_engine::process::buffer::Buffer;

use super::source::Reader;
use crate::ffi::arrays::Held;
use crate::ffi::buffer::NativeBuffer;

/// The resource message, its schema URL, the scope message and its schema URL.
pub type EncodedHeads<'py> = (
    Bound<'py, PyBytes>,
    Bound<'py, PyBytes>,
    Bound<'py, PyBytes>,
    Bound<'py, PyBytes>,
);

/// The heads of groups; what is one object of Python's, as a resource of many groups is, is copied once.
pub fn heads(groups: &[EncodedHeads<'_>]) -> Vec<Heads> {
    let mut known = HashMap::new();
    let mut shared = |bytes: &Bound<'_, PyBytes>| -> Arc<[u8]> {
        let copy = known.entry(bytes.as_ptr()).or_insert_with(|| bytes.as_bytes().into());
        Arc::clone(copy)
    };
    groups
        .iter()
        .map(|(resource, resource_schema, scope, scope_schema)| Heads {
            resource: shared(resource),
            resource_schema: shared(resource_schema),
            scope: shared(scope),
            scope_schema: shared(scope_schema),
        })
        .collect()
}

/// Spans as columns, ready to be encoded. Holds the arrays that it was made of.
#[pyclass(frozen, module = "spanwire._native")]
pub struct ColumnEncoder {
    columns: Arc<Held>,
}

#[pymethods]
impl ColumnEncoder {
    /// `columns` as `spanwire.columnar` lays them out.
    #[new]
    fn new(columns: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self {
            columns: Arc::new(Reader::read(columns)?),
        })
    }

    /// Requests of at most so many bytes, each with the number of its spans. A group's heads are the resource message, its schema URL,
    /// the scope message and its schema URL.
    #[allow(clippy::needless_pass_by_value)] // owned values are what PyO3 hands over
    fn encode(
        &self,
        py: Python<'_>,
        groups: Vec<EncodedHeads<'_>>,
        max_request_bytes: Option<usize>,
        threads: usize,
    ) -> PyResult<Vec<(NativeBuffer, usize)>> {
        let groups = heads(&groups);
        let requests = py.detach(|| {
            let plan = self.plan(groups, max_request_bytes, Oversized::Refuse, threads)?;
            let requests = plan.write(0..plan.requests(), threads, || Buffer::take().into_vec())?;
            Ok(requests
                .into_iter()
                .enumerate()
                .map(|(index, bytes)| (Buffer::from(bytes), plan.spans(index)))
                .collect::<Vec<_>>())
        });
        let requests = requests.map_err(|error| encode_error(&error))?;
        Ok(requests
            .into_iter()
            .map(|(bytes, spans)| (bytes.into(), spans))
            .collect())
    }
}

impl ColumnEncoder {
    /// The requests that can be made.
    pub fn plan(
        &self,
        groups: Vec<Heads>,
        max_request: Option<usize>,
        oversized: Oversized,
        threads: usize,
    ) -> Result<Plan<'_>, EncodeError> {
        let codes = self.columns.group();
        Plan::new(self.columns.spans(), groups, codes, max_request, oversized, threads)
    }

    /// How many spans there are.
    pub fn rows(&self) -> usize {
        self.columns.spans().rows
    }
}

/// Columns that cannot be encoded: `ValueError`, and `MemoryError` where there is none.
pub fn encode_error(error: &EncodeError) -> PyErr {
    match error {
        EncodeError::NoMemory(_) => PyMemoryError::new_err(error.to_string()),
        _ => PyValueError::new_err(error.to_string()),
    }
}
