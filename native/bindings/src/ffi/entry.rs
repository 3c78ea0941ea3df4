//! How a function of the capsule's table is entered: panics end here, since unwinding out of `extern "C"` would abort the
//! application. Each is counted, and a record that was being written to records no more.

use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;
use spanwire_record::{SpanRecord, Status};

static PANICS: AtomicU64 = AtomicU64::new(0);

/// Panics that were caught so far.
pub fn panics() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

/// Counts one.
#[cold]
pub fn count_panic() {
    PANICS.fetch_add(1, Ordering::Relaxed);
}

/// The token of the GIL that a function of the table is called with; no Python object may be released by it.
///
/// # Safety
/// The caller holds the GIL for `'py`.
#[inline(always)]
pub unsafe fn gil<'py>() -> Python<'py> {
    // SAFETY: by the caller's promise; the token is a proof and nothing else.
    unsafe { Python::assume_attached() }
}

/// Runs `work`; if it panics, answers `None` and counts it.
#[inline(always)]
pub fn enter<R>(name: &'static str, work: impl FnOnce() -> R) -> Option<R> {
    let result = catch_unwind(AssertUnwindSafe(|| {
        on_demand::perhaps(name);
        work()
    }));
    result.map_err(|_| count_panic()).ok()
}

/// [`enter`] for what changes a record.
///
/// # Safety
/// `record` is live and nobody else uses it meanwhile.
#[inline(always)]
pub unsafe fn enter_record(
    name: &'static str,
    record: *mut SpanRecord,
    work: impl FnOnce(&mut SpanRecord) -> Status,
) -> c_int {
    // SAFETY: by the caller's promise.
    let status = enter(name, || work(unsafe { &mut *record })).unwrap_or_else(|| {
        // SAFETY: the same; the reference that `work` had is gone.
        disable(unsafe { &mut *record });
        Status::PANIC
    });
    status.bits().cast_signed()
}

/// A record in which a defect was found: it takes nothing more, is not sent and not used again.
#[cold]
pub fn disable(record: &mut SpanRecord) {
    record.owner = 0;
    record.seal();
}

/// [`enter`] for what makes a Python object: a new reference, or null with an exception set. `doing` is for its text.
///
/// # Safety
/// The caller holds the GIL.
pub unsafe fn enter_object(
    name: &'static str,
    doing: &str,
    work: impl for<'py> FnOnce(Python<'py>) -> PyResult<Bound<'py, PyAny>>,
) -> *mut ffi::PyObject {
    // Attached by name, though the caller holds the GIL: otherwise PyO3 would keep every reference that is dropped here until
    // something else attaches.
    let mut work = Some(work);
    let mut run = |py: Python<'_>| {
        let error = match enter(name, || work.take().map(|work| work(py))) {
            Some(Some(Ok(object))) => return object.into_ptr(),
            Some(Some(Err(error))) => error,
            Some(None) | None => PyRuntimeError::new_err(format!("spanwire: internal error while {doing}")),
        };
        error.restore(py);
        std::ptr::null_mut()
    };
    if let Some(object) = Python::try_attach(&mut run) {
        return object;
    }
    // The interpreter is finalizing, and a __del__ reads: references that are kept go with the process.
    // SAFETY: by the caller's promise.
    run(unsafe { gil() })
}

/// Makes entries panic, for the test that each survives it; only with the feature `panics`.
#[cfg(feature = "panics")]
pub mod on_demand {
    use std::sync::Mutex;

    static NEXT: Mutex<Option<String>> = Mutex::new(None);

    /// The next call of that entry panics.
    pub fn set(name: String) {
        *NEXT.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(name);
    }

    pub fn perhaps(name: &str) {
        let mut next = NEXT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if next.as_deref() == Some(name) {
            *next = None;
            drop(next);
            panic!("asked for in {name}");
        }
    }
}

#[cfg(not(feature = "panics"))]
pub mod on_demand {
    #[inline(always)]
    pub const fn perhaps(_name: &str) {}
}

#[cfg(test)]
mod tests {
    use spanwire_record::{Limits, SpanContext};

    use super::*;

    fn record() -> SpanRecord {
        let mut record = SpanRecord::new();
        record.begin(Limits::default(), None, &SpanContext::default(), b"name", 1, 1);
        record.owner = 1;
        record
    }

    #[test]
    fn a_status_passes_through() {
        let mut record = record();
        // SAFETY: a record of this test's own.
        let status = unsafe { enter_record("test", &raw mut record, |_| Status::EVICTED | Status::LOSSY) };
        assert_eq!(status, 9);
        assert_eq!(record.owner, 1);
    }

    #[test]
    fn a_panic_is_counted_and_the_record_records_no_more() {
        let (mut record, before) = (record(), panics());
        assert_eq!(record.set_int(b"before", 1, 1), Status::OK);
        // SAFETY: a record of this test's own.
        let status = unsafe { enter_record("test", &raw mut record, |_| panic!("on purpose")) };
        assert_eq!(status, 4);
        assert!(panics() > before);
        assert_eq!(record.set_int(b"after", 2, 2), Status::OK);
        assert_eq!((record.attribute_count(), record.owner), (1, 0));
    }
}
