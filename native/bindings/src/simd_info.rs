//! What the kernels run on: for `spanwire bench --info` and for reports of problems.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use spanwire_kernels::info::{Kernel, available};
use spanwire_kernels::level::{Decision, Outcome, VARIABLE, decision};

/// The instruction set that the native kernels use, why, and whose code each kernel is there.
///
/// `level`: its name. `available`: those that this machine has. `wish`: what `SPANWIRE_SIMD` said at import, or None. `outcome`: `best`, `forced`,
/// `unknown` or `unavailable`. `note`: a sentence if the wish could not be had, or None. `kernels`: name to `what` and `variants` (level to whose code).
#[pyfunction]
fn simd_info(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let decision = decision();
    let info = PyDict::new(py);
    info.set_item("level", decision.level.level().name())?;
    info.set_item("available", names())?;
    info.set_item("wish", decision.wish.as_deref())?;
    info.set_item(
        "outcome",
        match decision.outcome {
            Outcome::Best => "best",
            Outcome::Forced => "forced",
            Outcome::Unknown => "unknown",
            Outcome::Unavailable => "unavailable",
        },
    )?;
    info.set_item("note", note(&decision))?;
    let kernels = PyDict::new(py);
    for kernel in Kernel::ALL {
        let variants = PyDict::new(py);
        for level in available() {
            variants.set_item(level.level().name(), kernel.variant(level.level()))?;
        }
        let of = PyDict::new(py);
        of.set_item("what", kernel.what)?;
        of.set_item("variants", variants)?;
        kernels.set_item(kernel.name, of)?;
    }
    info.set_item("kernels", kernels)?;
    Ok(info)
}

fn names() -> Vec<&'static str> {
    available().into_iter().map(|level| level.level().name()).collect()
}

fn note(decision: &Decision) -> Option<String> {
    let wish = decision.wish.as_deref().unwrap_or_default();
    let (taken, names) = (decision.level.level(), names().join(", "));
    match decision.outcome {
        Outcome::Best | Outcome::Forced => None,
        Outcome::Unknown => Some(format!(
            "{VARIABLE}={wish} names no level: {taken} was taken; here there are {names}"
        )),
        Outcome::Unavailable => Some(format!(
            "{VARIABLE}={wish} is not what this machine has: {taken} was taken; here there are {names}"
        )),
    }
}

/// Adds the function, and chooses the level now, while nobody changes the environment.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let _ = spanwire_kernels::level::usable();
    module.add_function(wrap_pyfunction!(simd_info, module)?)
}
