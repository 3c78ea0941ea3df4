//! An OTLP receiver for tests: it keeps what comes, and misbehaves as ordered.
//!
//! A [`Sink`] is the [`Consumer`](spanwire_receiver::Consumer) of a [`Server`](spanwire_receiver::Server). It keeps every
//! request in a bounded [`Store`] before the server acknowledges it, and answers wrongly where [`Faults`] say so.
//! Invariants: nothing is acknowledged that was not counted; what is kept is bounded.

mod faults;
mod sink;
mod store;

pub use faults::{Faults, Injected};
pub use sink::Sink;
pub use store::{Counts, ReceivedRequest, Store, Waited};
