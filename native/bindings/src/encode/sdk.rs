//! Whether the SDK's classes are as the fast path expects: proved before its first use, asked again when a class changes.

use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{OnceLock, RwLock};

use pyo3::exceptions::{PyException, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use spanwire_wire::arena::Region;

use super::drops::Drops;
use super::general::General;
use super::heads;
use crate::ffi::batch::Batch;
use crate::ffi::sdk_span::FastEncoder;
use crate::ffi::sdk_types::SdkTypes;

/// What is known of the classes; `Err` says why there is no fast path.
static SDK: OnceLock<Result<RwLock<SdkTypes>, String>> = OnceLock::new();

/// How often a proof may fail before it counts: the first may meet a full stack or no memory.
const ATTEMPTS: u32 = 3;

static FAILED: AtomicU32 = AtomicU32::new(0);

/// The proved classes, if there is a fast path and no class was patched. Only what is no `Exception` is raised.
pub fn types(py: Python<'_>) -> PyResult<Option<impl Deref<Target = SdkTypes> + use<'_>>> {
    let known = match SDK.get() {
        Some(known) => known,
        None => match prove(py)? {
            Some(known) => known,
            None => return Ok(None),
        },
    };
    let Ok(types) = known else { return Ok(None) };
    if let Ok(types) = types.try_read()
        && types.guards_hold()
    {
        return Ok(Some(types));
    }
    // A class changed: what was kept may be wrong, and whether the fast path still is right must be asked.
    heads::clear();
    if !or_fatal(py, is_intact(py))?.unwrap_or_default() {
        return Ok(None);
    }
    match types.try_write() {
        Ok(mut types) => types.renew_guards(py),
        Err(_) => return Ok(None),
    }
    Ok(types.try_read().ok())
}

/// What was raised as text, unless it is no `Exception`.
fn or_fatal<T>(py: Python<'_>, result: PyResult<T>) -> PyResult<Result<T, String>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error) if error.is_instance_of::<PyException>(py) => Ok(Err(error.to_string())),
        Err(error) => Err(error),
    }
}

/// For `spanwire.stats()`.
pub fn state() -> String {
    match SDK.get() {
        None => "not used yet".to_owned(),
        Some(Ok(types)) => {
            let mut state = "on".to_owned();
            if let Ok(types) = types.try_read() {
                if !types.reads_inline() {
                    state += ", values by traversal";
                }
                if !types.ints().by_digits() {
                    state += ", integers by the interpreter's API";
                }
            }
            state
        }
        Some(Err(why)) => format!("off: {why}"),
    }
}

fn is_intact(py: Python<'_>) -> PyResult<bool> {
    py.import("spanwire.exporter._common.sdk_probe")?
        .call_method0("is_intact")?
        .is_truthy()
}

/// `None` if it failed, and may be tried again.
#[cold]
fn prove(py: Python<'_>) -> PyResult<Option<&'static Result<RwLock<SdkTypes>, String>>> {
    let proved = or_fatal(py, try_to_prove(py))?;
    if proved.is_err() && FAILED.fetch_add(1, Ordering::Relaxed) + 1 < ATTEMPTS {
        return Ok(None);
    }
    // Another thread may have been faster while Python code ran; either proof will do.
    Ok(Some(SDK.get_or_init(|| proved.map(RwLock::new))))
}

fn try_to_prove(py: Python<'_>) -> PyResult<SdkTypes> {
    if !is_intact(py)? {
        return Err(PyRuntimeError::new_err("a class of the SDK is patched"));
    }
    let probe = py.import("spanwire.exporter._common.sdk_probe")?;
    let types = SdkTypes::prove(&probe)?;
    let samples: Vec<Bound<'_, PyAny>> = probe.call_method0("samples")?.extract()?;
    for span in samples {
        if !(agrees(&types, &span, false)? && agrees(&types, &span, true)?) {
            return Err(PyRuntimeError::new_err("this SDK's spans are not as expected"));
        }
    }
    Ok(types)
}

/// Whether the fast path takes `span` and both write the same.
fn agrees(types: &SdkTypes, span: &Bound<'_, PyAny>, w3c_flags: bool) -> PyResult<bool> {
    let (mut one, mut other, mut drops) = (Region::new(), Region::new(), Drops::default());
    let batch = Batch::new(PyTuple::new(span.py(), [span])?.as_any())?;
    let fast = FastEncoder::new(types, w3c_flags).span_of(&batch, 0, &mut one, |_, _| true);
    let general = General {
        drops: &mut drops,
        w3c_flags,
    }
    .span(&mut other, span);
    Ok(fast.is_ok() && general && one.as_slice() == other.as_slice())
}
