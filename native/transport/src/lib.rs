//! OTLP clients: HTTP, gRPC, TLS, compression, retry.
//!
//! A [`Destination`] takes a finished request and answers once; [`deliver`](deliver::deliver) tries it until it is accepted,
//! refused or out of time. Everything here runs on the caller's tokio runtime; this crate starts no thread of its own but
//! name look-ups on the runtime's blocking pool, and knows nothing of Python, queues or accounting.

pub mod balancer;
mod bounded;
pub mod breaker;
pub mod code;
pub mod compress;
pub mod config;
pub mod connect;
pub mod deliver;
pub mod destination;
pub mod dial;
pub mod endpoint;
pub mod error;
pub mod fresh;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod grpc;
mod headers;
pub mod http;
pub mod otlp;
pub mod pack;
mod pass_through;
pub mod protocol;
pub mod proxy;
pub mod race;
pub mod reply;
pub mod retry;
pub mod status;
pub mod tls;
pub mod trouble;
pub mod tunnel;

pub use balancer::Balancer;
pub use breaker::Breaker;
pub use compress::Compression;
pub use config::Config;
pub use deliver::deliver;
pub use destination::{Accepted, Destination, Request, Tally};
pub use endpoint::Endpoint;
pub use error::{ConfigError, SendError};
pub use fresh::FreshHeaders;
pub use grpc::GrpcDestination;
pub use http::HttpDestination;
pub use otlp::OtlpDestination;
pub use pack::PackError;
pub use protocol::Protocol;
pub use proxy::Proxy;
pub use retry::{Backoff, RetryPolicy};
pub use trouble::Trouble;
