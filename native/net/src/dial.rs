//! From a configuration to a stream that is ready for HTTP: connected, and behind TLS where the endpoint asks for it.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use crate::connect::connect;
use crate::endpoint::Endpoint;
use crate::error::{ConnectionError, tls_error};
use crate::peer::Peer;
use crate::proxy::Proxy;
use crate::tally::Tally;
use crate::tls::{self, TlsMaterial};
use crate::trouble::{Subject, Trouble};
use crate::tunnel;

/// What requests are written to.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Opens connections to one peer, which may be a part of what is shared. Belongs to one process: TLS keeps sessions behind locks.
pub struct Dialer<P = Peer> {
    peer: Arc<P>,
    tls: Mutex<tls::Kept>,
    /// With a proxy.
    proxy_tls: Mutex<tls::Kept>,
}

impl<P: AsRef<Peer>> Dialer<P> {
    /// For that peer.
    #[must_use]
    pub fn new(peer: Arc<P>) -> Self {
        Self {
            peer,
            tls: Mutex::default(),
            proxy_tls: Mutex::default(),
        }
    }

    fn peer(&self) -> &Peer {
        (*self.peer).as_ref()
    }

    /// A new connection.
    pub async fn open(&self, deadline: Instant, tally: &Tally) -> Result<Box<dyn Wire>, ConnectionError> {
        let peer = self.peer();
        let endpoint = &peer.endpoint;
        let Some(proxy) = &peer.proxy else {
            let stream = connect(endpoint, deadline).await?;
            tally.connection();
            return self.secured(stream, deadline).await;
        };
        let stream = self.reach(proxy, deadline).await.map_err(|error| by(proxy, &error))?;
        tally.connection();
        if peer.is_forwarded() {
            return Ok(stream);
        }
        let opening = tunnel::open(stream, proxy, endpoint, |text| peer.redact(text));
        let refused = |why, is_final| ConnectionError::Proxy {
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
        let peer = self.peer();
        let of_proxy = peer.proxy.as_ref().and_then(|proxy| proxy.tls.as_ref());
        let message = of(peer.tls.as_ref(), &self.tls).or_else(|| of(of_proxy, &self.proxy_tls))?;
        let subject = Subject::Certificates;
        Some(Trouble { subject, message })
    }

    /// A connection to the proxy itself.
    async fn reach(&self, proxy: &Proxy, deadline: Instant) -> Result<Box<dyn Wire>, ConnectionError> {
        let stream = connect(&proxy.endpoint, deadline).await?;
        match &proxy.tls {
            Some(material) => handshake(stream, &proxy.endpoint, material, &self.proxy_tls, deadline).await,
            None => Ok(Box::new(stream)),
        }
    }

    /// The backend's TLS over `stream`, where there is any.
    async fn secured<S: Wire + 'static>(&self, stream: S, deadline: Instant) -> Result<Box<dyn Wire>, ConnectionError> {
        let peer = self.peer();
        match &peer.tls {
            Some(material) => handshake(stream, &peer.endpoint, material, &self.tls, deadline).await,
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
) -> Result<Box<dyn Wire>, ConnectionError> {
    let fail = |message: String| ConnectionError::Tls {
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
            tls_error(&error).unwrap_or_else(|| ConnectionError::Tls {
                message: error.to_string(),
                is_final: false,
            })
        })?;
    Ok(Box::new(stream))
}

/// What went wrong on the way to the proxy.
fn by(proxy: &Proxy, error: &ConnectionError) -> ConnectionError {
    let is_final = !error.is_retryable();
    ConnectionError::Proxy {
        proxy: proxy.name(),
        why: error.to_string(),
        is_final,
    }
}
