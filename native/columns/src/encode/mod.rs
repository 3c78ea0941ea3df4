//! From columns to requests.
//!
//! Twice over the columns, a block of rows at a time: once to check them and to learn how long each span will be, which decides about
//! requests and memory, and once to write. A block's field is written for all of its rows before the next field, so what a field
//! needs is decided once a block and not once a row.

mod arena;
mod cells;
mod compile;
mod items;
mod one;
mod op;
mod order;
mod plan;
pub mod source;
mod table;
mod threads;

pub use order::Heads;
pub use plan::{Oversized, Plan};

#[cfg(test)]
mod tests;
