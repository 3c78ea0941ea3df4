//! From a configuration to a stream that is ready for HTTP: connected, and behind TLS where the endpoint asks for it.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use crate::config::Config;
use crate::connect::connect;
use crate::destination::Tally;
use crate::error::{SendError, tls_error};
use crate::tls;

/// What requests are written to.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Opens connections for one destination. Belongs to one process: TLS keeps sessions behind locks.
pub struct Dialer {
    config: Arc<Config>,
    tls: Option<Arc<rustls::ClientConfig>>,
}

impl Dialer {
    /// For that configuration.
    #[must_use]
    pub fn new(config: Arc<Config>) -> Self {
        // The configuration was made once when the material was loaded.
        let tls = config.tls.as_ref().and_then(|material| material.client_config().ok());
        Self { config, tls }
    }

    /// A new connection.
    pub async fn open(&self, deadline: Instant, tally: &Tally) -> Result<Box<dyn Wire>, SendError> {
        let endpoint = &self.config.endpoint;
        let stream = connect(endpoint, deadline).await?;
        tally.connection();
        if !endpoint.tls {
            return Ok(Box::new(stream));
        }
        let fail = |message: String| SendError::Tls {
            message,
            is_final: true,
        };
        let config = self.tls.as_ref().ok_or_else(|| fail("no TLS configuration".into()))?;
        let name = tls::server_name(&endpoint.host).map_err(|error| fail(error.to_string()))?;
        let handshake = TlsConnector::from(Arc::clone(config)).connect(name, stream);
        let stream = timeout_at(deadline, handshake)
            .await
            .unwrap_or_else(|_| Err(io::Error::other("the handshake did not end within the timeout")))
            .map_err(|error| {
                tls_error(&error).unwrap_or_else(|| SendError::Tls {
                    message: error.to_string(),
                    is_final: false,
                })
            })?;
        Ok(Box::new(stream))
    }
}
