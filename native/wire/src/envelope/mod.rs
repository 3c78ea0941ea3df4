//! The envelope of an export request, which is the same for all signals: resources, in these scopes, in these items.
//!
//! [`Layout`] finds the items of a request and writes requests of some of them; [`cut`], [`divide`], [`chunks`] and
//! [`prune`] are made of it. [`Groups`] makes a request of items that come one by one. Neither looks into an item, and
//! both copy what they don't know: a resource, a scope and a request keep all their other fields.

mod divide;
mod groups;
mod items;
mod layout;
#[cfg(test)]
mod tests;

pub use divide::{Limits, chunks, cut, divide, prune, smallest, without_broken};
pub use groups::{Groups, Head, Piece, Run};
pub use items::{Items, PlacedItem, count_items, items};
pub use layout::{Item, Layout, Part};
