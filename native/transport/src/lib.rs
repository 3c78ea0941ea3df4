//! OTLP clients on the connections of `spanwire_net`: HTTP, gRPC, compression, answers, several endpoints.
//!
//! A [`Destination`] takes a finished request and answers once; [`deliver`](deliver::deliver) tries it until it is accepted,
//! refused or out of time. Everything here runs on the caller's tokio runtime; this crate starts no thread, and knows nothing of
//! Python, queues or accounting.

pub mod balancer;
pub mod config;
pub mod deliver;
pub mod destination;
pub mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod grpc;
pub mod http;
pub mod otlp;
pub mod pack;
pub mod reply;
pub mod status;

pub use balancer::Balancer;
pub use config::Config;
pub use deliver::deliver;
pub use destination::{Accepted, Destination, Request};
pub use error::{ConfigError, SendError};
pub use grpc::GrpcDestination;
pub use http::HttpDestination;
pub use otlp::OtlpDestination;
pub use pack::PackError;
pub use spanwire_net::{
    Backoff, Breaker, Compression, ConnectionError, Endpoint, FreshHeaders, Proxy, RetryPolicy, Tally, Trouble,
};
pub use spanwire_net::{breaker, fresh, race, retry, trouble};
pub use spanwire_wire::Protocol;
