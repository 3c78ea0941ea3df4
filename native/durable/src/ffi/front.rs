//! [`Front`]: where a list begins that only grows, without a lock.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// The newest of values that stay for ever.
#[derive(Debug)]
pub struct Front<T>(AtomicPtr<T>);

impl<T: Sync> Front<T> {
    /// None yet.
    pub const fn new() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// The newest.
    pub fn get(&self) -> Option<&'static T> {
        // SAFETY: it is null, or was leaked by `set`, complete before it was stored; nobody has it exclusively.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }

    /// Keeps a value for ever.
    pub fn set(&self, value: Box<T>) -> &'static T {
        let value = Box::into_raw(value);
        self.0.store(value, Ordering::Release);
        // SAFETY: just leaked.
        unsafe { &*value }
    }
}
