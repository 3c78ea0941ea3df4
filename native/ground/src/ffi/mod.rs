//! Calls into libc. All unsafe code of this crate.

pub mod signals;
