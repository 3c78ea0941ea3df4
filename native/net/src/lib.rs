//! Connections of clients: endpoints, name look-ups, TLS, proxies, bounded answers, back-off and the circuit breaker.
//!
//! A [`Dialer`] opens connections to a [`Peer`]. A [`Breaker`] decides whether a destination may be tried now. Everything here runs on
//! the caller's tokio runtime; this crate starts no thread of its own but name look-ups on the runtime's blocking pool, and knows
//! nothing of what goes over a connection: OTLP is `transport`'s.

pub mod bounded;
pub mod breaker;
pub mod compression;
pub mod connect;
pub mod dial;
pub mod endpoint;
pub mod error;
pub mod fresh;
pub mod grpc;
pub mod headers;
mod pass_through;
pub mod peer;
pub mod proxy;
pub mod race;
pub mod retry;
pub mod tally;
pub mod text;
pub mod tls;
pub mod trouble;
pub mod tunnel;

pub use breaker::Breaker;
pub use compression::Compression;
pub use dial::Dialer;
pub use endpoint::Endpoint;
pub use error::{ConfigError, ConnectionError};
pub use fresh::FreshHeaders;
pub use peer::Peer;
pub use proxy::Proxy;
pub use retry::{Backoff, RetryPolicy};
pub use tally::Tally;
pub use tls::{Alpn, TlsFiles};
pub use trouble::Trouble;
