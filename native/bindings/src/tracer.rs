//! [`NativeTracer`]: what the spans of one tracer have in common, read natively when a span begins.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use spanwire_queue::{Attached, Group};
use spanwire_record::{Clock, Decision, Limits, Rule, Sampler};

use crate::encode;
use crate::ffi::kept::{self, Kept};
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
    /// After the tracer, whose group may have been the last to refer to what is attached.
    _after: kept::Release,
}

#[pymethods]
impl NativeTracer {
    /// `resource` and `scope` are the SDK's, encoded here. `sampler`: five pairs (mode, bound), or None if Python decides (then
    /// `begin` records all). `limits`: of attributes, events and links, None for none. `random`: roots get the random flag.
    /// `attached`: what Python needs to read the tracer's spans from their frames; it must not refer to this object.
    #[new]
    #[pyo3(signature = (resource, scope, sampler, limits, random, attached=None))]
    fn new(
        resource: &Bound<'_, PyAny>,
        scope: &Bound<'_, PyAny>,
        sampler: Option<[(u8, u128); 5]>,
        limits: (Option<u64>, Option<u64>, Option<u64>),
        random: bool,
        attached: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let sampler = match sampler {
            Some(pairs) => Sampler::from_pairs(pairs)
                .ok_or_else(|| PyValueError::new_err("a sampler's mode is 0 to 3 and its bound at most 2**64"))?,
            None => Sampler::same(Rule::Always(Decision::RecordAndSample)),
        };
        // What was dropped since by threads without the GIL.
        kept::release(resource.py());
        let (resource, scope) = encode::heads(resource, scope)?;
        let attached = attached.map_or_else(Attached::default, Kept::attached);
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
                group: encode::group(&resource, &scope, attached),
            }),
            _after: kept::Release,
        })
    }

    /// For the garbage collector: what is attached may lead back here (by a resource that knows its provider). While frames wait
    /// they need it too, of which the collector knows nothing, so it is not told.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        let group = &self.tracer.group;
        match group.attached.get::<Kept>() {
            Some(kept) if Arc::strong_count(group) == 1 => visit.call(kept.reference()),
            _ => Ok(()),
        }
    }

    /// The `SpanwireTracer` pointer, as long as this object lives.
    #[getter]
    fn address(&self) -> usize {
        std::ptr::from_ref::<Tracer>(&self.tracer).expose_provenance()
    }
}

/// What the kernel's clock counts by: only of the processor's own counter it knows that it is in step on all processors.
const CLOCK_SOURCE: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";

/// Where spans get their times from: `auto` counts on in between if the machine's clock allows it, `system` does not.
#[pyfunction]
fn choose_clock(py: Python<'_>, name: &str) -> PyResult<()> {
    let clock = match name {
        "auto" if is_by_counter() => Clock::counting(),
        "auto" | "system" => Clock::system(),
        _ => {
            return Err(PyValueError::new_err(format!(
                "SPANWIRE_CLOCK is {name:?}: say auto or system"
            )));
        }
    };
    state::set_clock(py, clock);
    Ok(())
}

fn is_by_counter() -> bool {
    std::fs::read_to_string(CLOCK_SOURCE).is_ok_and(|source| source.trim_end() == "tsc")
}

/// Counts for `spanwire.stats()["trace"]`.
#[pyfunction]
fn trace_counts(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let counts = PyDict::new(py);
    counts.set_item("panics", entry::panics())?;
    counts.set_item("pooled_records", state::pooled_records(py))?;
    let clock = if state::is_counting(py) { "counter" } else { "system" };
    counts.set_item("clock", clock)?;
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
    module.add_function(wrap_pyfunction!(choose_clock, module)?)?;
    #[cfg(feature = "panics")]
    module.add_function(wrap_pyfunction!(_panic_next, module)?)?;
    module.add_function(wrap_pyfunction!(trace_counts, module)?)
}
