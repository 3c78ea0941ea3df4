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

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    /// A token for cells that one test has for itself: there is no interpreter here, and no other thread.
    fn alone() -> Python<'static> {
        // SAFETY: no function of Python is called with it.
        unsafe { Python::assume_attached() }
    }

    #[test]
    fn what_is_written_stays() {
        let cell = GilCell::new(1);
        cell.with(alone(), |value| *value += 1);
        assert_eq!(cell.with(alone(), |value| *value), 2);
    }

    #[test]
    fn a_nested_use_is_a_panic_and_not_a_second_reference() {
        let cell = GilCell::new(1);
        let nested = catch_unwind(AssertUnwindSafe(|| {
            cell.with(alone(), |outer| {
                *outer = 2;
                cell.with(alone(), |inner| *inner = 3);
            });
        }));
        assert!(nested.is_err());
        assert_eq!(cell.with(alone(), |value| *value), 2);
    }

    #[test]
    fn a_panic_ends_the_use() {
        let cell = GilCell::new(vec![1]);
        let failed = catch_unwind(AssertUnwindSafe(|| cell.with(alone(), |_| panic!("on purpose"))));
        assert!(failed.is_err());
        cell.with(alone(), |value| value.push(2));
        assert_eq!(cell.with(alone(), |value| value.clone()), [1, 2]);
    }
}
