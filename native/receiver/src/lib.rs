//! OTLP server: the sink today, the collector's entrance later.
//!
//! A [`Server`] is one native thread with a tokio current-thread runtime that listens on a port or a few, checks every
//! request strictly, keeps it in a bounded [`Store`] and only then acknowledges it. Tests order it to misbehave
//! through [`Faults`]. Invariants: nothing is acknowledged that was not counted; nothing read from the network is
//! unbounded; no Python.

mod body;
mod code;
mod config;
mod error;
mod faults;
mod ffi;
#[cfg(fuzzing)]
pub mod fuzzing;
mod grpc;
mod http;
mod http2;
mod listen;
mod peer;
mod preface;
mod respond;
mod server;
mod service;
mod store;
mod stream;
mod tap;
mod tls;

pub use config::{Config, Limits, TlsIdentity};
pub use error::StartError;
pub use faults::{Disconnect, Fault, Faults, Stage};
pub use server::Server;
pub use store::{Counts, Protocol, ReceivedRequest, Store, Waited};
