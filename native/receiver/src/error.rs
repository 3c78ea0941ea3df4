//! Why a server could not be started.

use std::io;
use std::path::PathBuf;

/// Why a server could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The host does not resolve, or the port can't be bound.
    #[error("can't listen on {host} port {port}: {source}")]
    Bind {
        /// The host that was asked for.
        host: String,
        /// The port that was asked for.
        port: u16,
        /// The system's reason.
        source: io::Error,
    },
    /// The path of the Unix socket can't be bound.
    #[error("can't listen on the Unix socket {}: {source}", path.display())]
    BindUnix {
        /// The path that was asked for.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// No thread or no runtime could be made.
    #[error("can't start the server's thread: {0}")]
    Thread(#[source] io::Error),
    /// A certificate, key or CA that can't be used.
    #[error("TLS: {0}")]
    Tls(String),
}
