//! [`Here`]: what is let go only in the process that made it.

use std::mem::ManuallyDrop;
use std::ops::Deref;

/// A value that a forked child leaks: its memory may be another's there, its locks may be held by threads that are not there.
#[derive(Debug)]
pub struct Here<T> {
    value: ManuallyDrop<T>,
    generation: u64,
}

impl<T> Here<T> {
    /// A value of this process.
    pub fn new(value: T) -> Self {
        Self {
            value: ManuallyDrop::new(value),
            generation: crate::generation(),
        }
    }

    /// Whether this is the process that made it.
    pub fn is_here(&self) -> bool {
        self.generation == crate::generation()
    }

    /// The value, if this is the process that made it.
    pub fn get(&self) -> Option<&T> {
        self.is_here().then_some(&*self.value)
    }
}

impl<T> Deref for Here<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Drop for Here<T> {
    fn drop(&mut self) {
        if self.is_here() {
            // SAFETY: once, here; nobody uses it afterwards.
            unsafe { ManuallyDrop::drop(&mut self.value) };
        }
    }
}
