//! OTLP server: takes export requests of every signal, and hands them to a consumer.
//!
//! A [`Server`] is one native thread with a tokio current-thread runtime that listens on a port or a few, checks every
//! request strictly, hands it to its [`Consumer`] and acknowledges it only if that has taken it. Invariants: nothing is
//! acknowledged that was not taken; nothing read from the network is unbounded; no Python.

mod body;
mod config;
mod consumer;
mod error;
mod fault;
mod ffi;
#[cfg(fuzzing)]
pub mod fuzzing;
mod grpc;
mod http;
mod http2;
mod listen;
mod peer;
mod preface;
mod refusal;
mod respond;
mod server;
mod service;
mod stream;
mod tap;
mod tls;

pub use config::{Config, Limits, TlsIdentity};
pub use consumer::{Consumer, Outcome, Received};
pub use error::StartError;
pub use fault::{Disconnect, Fault, Stage};
pub use refusal::Refusal;
pub use server::Server;
pub use spanwire_wire::Protocol;
