//! From a configuration to a stream that is ready for HTTP: connected, and behind TLS where the endpoint asks for it.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use crate::config::Config;
use crate::connect::connect;
use crate::destination::Tally;
use crate::endpoint::Endpoint;
use crate::error::{SendError, tls_error};
use crate::proxy::Proxy;
use crate::tls::{self, TlsMaterial};
use crate::trouble::{Subject, Trouble};
use crate::tunnel;

/// What requests are written to.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Opens connections for one destination. Belongs to one process: TLS keeps sessions behind locks.
pub struct Dialer {
    config: Arc<Config>,
    tls: Mutex<tls::Kept>,
    /// With a proxy.
    proxy_tls: Mutex<tls::Kept>,
}

impl Dialer {
    /// For that configuration.
    #[must_use]
    pub fn new(config: Arc<Config>) -> Self {
        Self {
            config,
            tls: Mutex::default(),
            proxy_tls: Mutex::default(),
        }
    }

    /// A new connection.
    pub async fn open(&self, deadline: Instant, tally: &Tally) -> Result<Box<dyn Wire>, SendError> {
        let endpoint = &self.config.endpoint;
        let Some(proxy) = &self.config.proxy else {
            let stream = connect(endpoint, deadline).await?;
            tally.connection();
            return self.secured(stream, deadline).await;
        };
        let stream = self.reach(proxy, deadline).await.map_err(|error| by(proxy, error))?;
        tally.connection();
        if self.config.is_forwarded() {
            return Ok(stream);
        }
        let opening = tunnel::open(stream, proxy, endpoint, |text| self.config.redact(text));
        let refused = |why, is_final| SendError::Proxy {
            proxy: proxy.name(),
            why,
            is_final,
        };
        let stream = timeout_at(deadline, opening)
            .await
            .map_err(|_| refused("it did not answer within the timeout".into(), false))?
            .map_err(|error| refused(error.why, error.is_final))?;
        self.secured(stream, deadline).await
    }

    /// What people must hear of files that were read again.
    pub fn trouble(&self) -> Option<Trouble> {
        let of = |material: Option<&TlsMaterial>, kept: &Mutex<tls::Kept>| {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.trouble(material?)
        };
        let of_proxy = self.config.proxy.as_ref().and_then(|proxy| proxy.tls.as_ref());
        let message = of(self.config.tls.as_ref(), &self.tls).or_else(|| of(of_proxy, &self.proxy_tls))?;
        let subject = Subject::Certificates;
        Some(Trouble { subject, message })
    }

    /// A connection to the proxy itself.
    async fn reach(&self, proxy: &Proxy, deadline: Instant) -> Result<Box<dyn Wire>, SendError> {
        let stream = connect(&proxy.endpoint, deadline).await?;
        match &proxy.tls {
            Some(material) => handshake(stream, &proxy.endpoint, material, &self.proxy_tls, deadline).await,
            None => Ok(Box::new(stream)),
        }
    }

    /// The backend's TLS over `stream`, where there is any.
    async fn secured<S: Wire + 'static>(&self, stream: S, deadline: Instant) -> Result<Box<dyn Wire>, SendError> {
        match &self.config.tls {
            Some(material) => handshake(stream, &self.config.endpoint, material, &self.tls, deadline).await,
            None => Ok(Box::new(stream)),
        }
    }
}

async fn handshake<S: Wire + 'static>(
    stream: S,
    endpoint: &Endpoint,
    material: &TlsMaterial,
    kept: &Mutex<tls::Kept>,
    deadline: Instant,
) -> Result<Box<dyn Wire>, SendError> {
    let fail = |message: String| SendError::Tls {
        message,
        is_final: true,
    };
    let config = {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
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

/// What went wrong on the way to the proxy, as such: advice about the backend would send people to the wrong place.
fn by(proxy: &Proxy, error: SendError) -> SendError {
    let is_final = !error.is_retryable();
    SendError::Proxy {
        proxy: proxy.name(),
        why: match error {
            SendError::Connect { address, source } => format!("cannot connect to {address}: {source}"),
            SendError::Resolve { host, source } => format!("cannot find the address of {host}: {source}"),
            error => error.to_string(),
        },
        is_final,
    }
}
