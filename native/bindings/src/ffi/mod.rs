//! Raw `CPython` calls: the only unsafe code of this crate beside the capsule.

pub mod table;
