//! Raw `CPython` calls: the only unsafe code of this crate beside the capsule.

pub mod bytes;
pub mod int;
pub mod layout;
pub mod object;
pub mod sdk_span;
pub mod table;
