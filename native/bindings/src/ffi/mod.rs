//! Raw `CPython` calls: the only unsafe code of this crate beside the capsule.

pub mod arrays;
pub mod batch;
pub mod buffer;
pub mod bytes;
mod clean;
pub mod entry;
pub mod frames;
pub mod gil;
mod inline;
pub mod int;
pub mod interpreter;
pub mod kept;
mod layout;
pub mod lent;
pub mod lifecycle;
mod nested;
pub mod object;
mod prefetch;
pub mod queue;
pub mod readback;
pub mod record;
pub mod sdk_span;
pub mod sdk_types;
pub mod state;
pub mod table;
pub mod text;
