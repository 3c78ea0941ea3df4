//! Calls into libc, and values that belong to one process. All unsafe code of this crate.

pub mod fork;
pub mod here;
pub mod signals;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
