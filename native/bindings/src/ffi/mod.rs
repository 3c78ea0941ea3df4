//! Raw `CPython` calls: the only unsafe code of this crate beside the capsule.

pub mod batch;
pub mod bytes;
mod inline;
pub mod int;
pub mod interpreter;
mod layout;
mod nested;
pub mod object;
mod prefetch;
pub mod sdk_span;
pub mod table;
