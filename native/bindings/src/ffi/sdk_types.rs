//! What was proved about the SDK's classes: layouts of their instances, and guards that notice a patch.

use std::ptr;

use pyo3::prelude::*;

use super::int::Ints;
use super::layout::{Guard, Layout};
use super::object::Ref;

/// Everything that was proved about the SDK's classes.
pub struct SdkTypes {
    pub(super) ints: Ints,
    /// Of all classes that are read; the last four are the context, deque, resource and scope.
    pub(super) guards: Vec<Guard>,
    pub(super) span: Layout<12>,
    pub(super) attributes: Layout<2>,
    pub(super) list: Layout<2>,
    pub(super) status: Layout<2>,
    pub(super) event: Layout<3>,
    pub(super) link: Layout<2>,
    pub(super) trace_state: Layout<1>,
    pub(super) kinds: [Py<PyAny>; 5],
    pub(super) status_codes: [Py<PyAny>; 3],
}

/// Where the classes without layout stand among the guards.
pub(super) const CONTEXT: usize = 7;
pub(super) const DEQUE: usize = 8;
const RESOURCE: usize = 9;
const SCOPE: usize = 10;

impl SdkTypes {
    /// From what `spanwire.exporter._common.sdk_probe` says.
    pub fn prove(probe: &Bound<'_, PyAny>) -> PyResult<Self> {
        let classes: Vec<Bound<'_, PyAny>> = probe.getattr("CLASSES")?.extract()?;
        let instances: Vec<Bound<'_, PyAny>> = probe.getattr("INSTANCES")?.extract()?;
        let ints: Vec<Bound<'_, PyAny>> = probe.getattr("INTS")?.extract()?;
        let inline = probe.getattr("INLINE")?.is_truthy()?;
        let kinds: [Py<PyAny>; 5] = probe.getattr("KINDS")?.extract()?;
        let status_codes: [Py<PyAny>; 3] = probe.getattr("STATUS_CODES")?.extract()?;
        let [span, attributes, list, status, event, link, trace_state] = instances.as_slice() else {
            return Err(pyo3::exceptions::PyRuntimeError::new_err(
                "the probe has other instances than expected",
            ));
        };
        // SAFETY: `ints` owns them, and reading them runs no Python code.
        let samples: Vec<Ref<'_>> = ints.iter().map(|int| unsafe { Ref::new(int.as_ptr()) }).collect();
        Ok(Self {
            ints: Ints::prove(&samples),
            guards: classes.iter().map(Guard::new).collect::<PyResult<_>>()?,
            span: Layout::prove(
                span,
                [
                    "_name",
                    "_context",
                    "_kind",
                    "_parent",
                    "_start_time",
                    "_end_time",
                    "_attributes",
                    "_events",
                    "_links",
                    "_status",
                    "_resource",
                    "_instrumentation_scope",
                ],
                inline,
            )?,
            attributes: Layout::prove(attributes, ["_dict", "dropped"], inline)?,
            list: Layout::prove(list, ["_dq", "dropped"], inline)?,
            status: Layout::prove(status, ["_status_code", "_description"], inline)?,
            event: Layout::prove(event, ["_name", "_timestamp", "_attributes"], inline)?,
            link: Layout::prove(link, ["_context", "_attributes"], inline)?,
            trace_state: Layout::prove(trace_state, ["_dict"], inline)?,
            kinds,
            status_codes,
        })
    }

    /// Whether all classes are as they were when last accepted.
    #[inline]
    pub fn guards_hold(&self) -> bool {
        self.guards.iter().all(Guard::holds)
    }

    /// Accepts the classes as they are now.
    pub fn renew_guards(&mut self, py: Python<'_>) {
        self.guards.iter_mut().for_each(|guard| guard.renew(py));
    }

    /// Whether spans are read from the interpreter's own array of their values.
    pub fn reads_inline(&self) -> bool {
        self.span.is_inline()
    }

    pub fn ints(&self) -> Ints {
        self.ints
    }

    /// Whether `object` is exactly the SDK's `Resource`.
    pub fn makes_resource(&self, object: &Bound<'_, PyAny>) -> bool {
        ptr::eq(object.get_type_ptr(), self.guards[RESOURCE].type_ptr())
    }

    /// Whether `object` is exactly the SDK's `InstrumentationScope`.
    pub fn makes_scope(&self, object: &Bound<'_, PyAny>) -> bool {
        ptr::eq(object.get_type_ptr(), self.guards[SCOPE].type_ptr())
    }

    pub(super) fn is_resource(&self, object: Ref<'_>) -> bool {
        ptr::eq(object.type_ptr(), self.guards[RESOURCE].type_ptr())
    }

    pub(super) fn is_scope(&self, object: Ref<'_>) -> bool {
        ptr::eq(object.type_ptr(), self.guards[SCOPE].type_ptr())
    }
}
