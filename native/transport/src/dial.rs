//! From a configuration to a stream that is ready for HTTP: connected, and behind TLS where the endpoint asks for it.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

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
    tls: Mutex<Option<tls::Renewed>>,
}

impl Dialer {
    /// For that configuration.
    #[must_use]
    pub fn new(config: Arc<Config>) -> Self {
        Self {
            config,
            tls: Mutex::default(),
        }
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
        let material = self.config.tls.as_ref();
        let material = material.ok_or_else(|| fail("no TLS configuration".into()))?;
        let config = {
            let mut kept = self.tls.lock().unwrap_or_else(PoisonError::into_inner);
            material.renewed(&mut kept).map_err(|error| fail(error.to_string()))?
        };
        let name = tls::server_name(&endpoint.host).map_err(|error| fail(error.to_string()))?;
        let handshake = TlsConnector::from(config).connect(name, stream);
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
