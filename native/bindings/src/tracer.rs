//! [`NativeTracer`]: what the spans of one tracer have in common, read natively when a span begins.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use spanwire_queue::Group;
use spanwire_record::{Decision, Limits, Rule, Sampler};

use crate::encode;
use crate::ffi::{entry, state};

/// What `begin` and `end` read by pointer.
pub struct Tracer {
    pub sampler: Sampler,
    pub limits: Limits,
    /// Whether the trace ids of roots are random.
    pub random: bool,
    /// Encoded resource and scope.
    pub group: Arc<Group>,
}

/// Sampler, limits and encoded resource and scope of a tracer.
///
/// It must outlive its records.
#[pyclass(frozen, module = "spanwire._native")]
pub struct NativeTracer {
    tracer: Box<Tracer>,
}

#[pymethods]
impl NativeTracer {
    /// `resource` and `scope` are the SDK's, encoded here. `sampler`: five pairs (mode, bound), or None if Python decides (then
    /// `begin` records all). `limits`: of attributes, events and links, None for none. `random`: roots get the random flag.
    #[new]
    fn new(
        resource: &Bound<'_, PyAny>,
        scope: &Bound<'_, PyAny>,
        sampler: Option<[(u8, u128); 5]>,
        limits: (Option<u64>, Option<u64>, Option<u64>),
        random: bool,
    ) -> PyResult<Self> {
        let sampler = match sampler {
            Some(pairs) => Sampler::from_pairs(pairs)
                .ok_or_else(|| PyValueError::new_err("a sampler's mode is 0 to 3 and its bound at most 2**64"))?,
            None => Sampler::same(Rule::Always(Decision::RecordAndSample)),
        };
        let (resource, scope) = encode::heads(resource, scope)?;
        let limit = |limit: Option<u64>| {
            limit
                .and_then(|limit| u32::try_from(limit).ok())
                .unwrap_or(Limits::NONE)
        };
        Ok(Self {
            tracer: Box::new(Tracer {
                sampler,
                limits: Limits {
                    attributes: limit(limits.0),
                    events: limit(limits.1),
                    links: limit(limits.2),
                },
                random,
                group: encode::group(&resource, &scope),
            }),
        })
    }

    /// The `SpanwireTracer` pointer, as long as this object lives.
    #[getter]
    fn address(&self) -> usize {
        std::ptr::from_ref::<Tracer>(&self.tracer).expose_provenance()
    }
}

/// Counts for `spanwire.stats()["trace"]`.
#[pyfunction]
fn trace_counts(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let counts = PyDict::new(py);
    counts.set_item("panics", entry::panics())?;
    counts.set_item("pooled_records", state::pooled_records(py))?;
    Ok(counts)
}

/// The next call of that function of the table panics.
#[cfg(feature = "panics")]
#[pyfunction]
fn _panic_next(name: String) {
    entry::on_demand::set(name);
}

/// Adds the class and the functions to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<NativeTracer>()?;
    #[cfg(feature = "panics")]
    module.add_function(wrap_pyfunction!(_panic_next, module)?)?;
    module.add_function(wrap_pyfunction!(trace_counts, module)?)
}
