//! [`GilCell`]: state whose lock is the GIL, for what is touched on the hot path.
//!
//! It costs one byte that is tested and set: no atomic, no mutex, no thread-local. A thread that holds the GIL and finds the
//! cell in use has a defect in front of it, and gets a panic, which the functions of the table catch.

use std::cell::{Cell, UnsafeCell};

use pyo3::Python;

#[cfg(Py_GIL_DISABLED)]
compile_error!("spanwire does not support free-threaded builds of Python yet: use a build with the GIL");

/// A value that only the thread with the GIL touches, one user at a time.
#[derive(Debug, Default)]
pub struct GilCell<T> {
    busy: Cell<bool>,
    value: UnsafeCell<T>,
}

// SAFETY: `with` is the only way to the fields, and its token proves that the thread holds the GIL, which hands over what the
// thread before it wrote. A user that lets go of the GIL in the middle (by running Python code) leaves `busy` set, so neither
// another thread nor a nested call gets a second reference.
unsafe impl<T: Send> Sync for GilCell<T> {}

/// Ends the use, also when it panics.
struct InUse<'a>(&'a Cell<bool>);

impl Drop for InUse<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.set(false);
    }
}

impl<T> GilCell<T> {
    /// A cell that nobody uses yet.
    pub const fn new(value: T) -> Self {
        Self {
            busy: Cell::new(false),
            value: UnsafeCell::new(value),
        }
    }

    /// Lends the value to `work`, which must not run Python code.
    ///
    /// # Panics
    /// If it is lent already.
    #[inline(always)]
    pub fn with<R>(&self, _gil: Python<'_>, work: impl FnOnce(&mut T) -> R) -> R {
        assert!(!self.busy.replace(true), "state behind the GIL is used twice at a time");
        let _in_use = InUse(&self.busy);
        // SAFETY: this thread holds the GIL and nobody else has a reference, as the byte says.
        work(unsafe { &mut *self.value.get() })
    }
}
