//! OTLP over HTTP/1.1 with kept connections.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, Method};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, sleep};

use crate::config::Config;
use crate::destination::{Accepted, Destination, Request};
use crate::error::SendError;
use crate::reply::{self, Form};
use crate::status;
use spanwire_net::Tally;
use spanwire_net::bounded::{Allowance, BoundedHead, MAX_HEAD_BYTES, MAX_RESPONSE_BYTES, Unread, collect};
use spanwire_net::dial::Dialer;
use spanwire_net::endpoint::without_secrets;
use spanwire_net::error::tls_error;
use spanwire_net::race::race;
use spanwire_net::text::printable;
use spanwire_net::{ConnectionError, retry, tunnel};
use spanwire_wire::{Protocol, Signal};

/// Requests under way at once to one destination; each has a connection.
const MAX_CONNECTIONS: usize = 8;

/// A backend over HTTP. Belongs to one runtime: it is made where it is used, and again in a forked child.
pub struct HttpDestination {
    config: Arc<Config>,
    dialer: Dialer<Config>,
    /// Connections that have answered and wait for the next request; the one used last is used next.
    idle: Mutex<Vec<(Connection, Instant)>>,
    permits: Semaphore,
    is_closed: AtomicBool,
}

/// A connection that was idle for longer is not trusted: something on the way may have forgotten it without a word, and the
/// next request would find out by its timeout.
const MAX_IDLE: Duration = Duration::from_secs(90);

/// How long a connection that nobody uses any more may take to say good-bye. Without a bound, one whose peer has stopped
/// reading would never end: its socket and the request in it would be kept for ever.
const LINGER: Duration = Duration::from_secs(1);

/// A connection whose driver ends soon after it is dropped, whatever the peer does.
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// Bytes that may come before the head of the next answer.
    head: Allowance,
    _dropped: oneshot::Sender<()>,
}

/// Why one exchange failed.
enum Failed {
    /// A kept connection turned out to be closed before it answered: worth a fresh one.
    Stale,
    Other(SendError),
}

impl From<SendError> for Failed {
    fn from(error: SendError) -> Self {
        Self::Other(error)
    }
}

impl HttpDestination {
    /// A destination without connections yet.
    #[must_use]
    pub fn new(config: Arc<Config>) -> Self {
        Self {
            dialer: Dialer::new(Arc::clone(&config)),
            config,
            idle: Mutex::default(),
            permits: Semaphore::new(MAX_CONNECTIONS),
            is_closed: AtomicBool::new(false),
        }
    }

    /// Where to and how.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn dialer(&self) -> &Dialer<Config> {
        &self.dialer
    }

    /// Closes kept connections, now and when they become idle.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((connection, since)) = idle.pop() {
            if !connection.sender.is_closed() && since.elapsed() < MAX_IDLE {
                return Some(connection);
            }
        }
        None
    }

    fn keep(&self, connection: Connection) {
        if !connection.sender.is_closed() && !self.is_closed.load(Ordering::Relaxed) {
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((connection, Instant::now()));
        }
    }

    async fn exchange(
        &self,
        mut connection: Connection,
        reused: bool,
        request: &Request,
        tally: &Tally,
    ) -> Result<Accepted, Failed> {
        // A kept connection is ready as soon as it has answered, unless the answer came before the whole request was sent:
        // then it may never be.
        if reused && !connection.sender.is_ready() {
            return Err(Failed::Stale);
        }
        if connection.sender.ready().await.is_err() {
            return Err(if reused {
                Failed::Stale
            } else {
                SendError::Lost("closed before the request".into()).into()
            });
        }
        tally.request(request.body.len());
        connection.head.set(MAX_HEAD_BYTES);
        let response = match connection.sender.send_request(self.message(request)).await {
            Ok(response) => response,
            Err(error) if reused && is_close(&error) => return Err(Failed::Stale),
            Err(error) => return Err(lost(&error).into()),
        };
        connection.head.set(usize::MAX);
        let (parts, body) = response.into_parts();
        let body = read(body).await?;
        self.keep(connection);
        self.judge(request.signal, parts.status.as_u16(), &parts.headers, &body)
            .map_err(Failed::Other)
    }

    /// One exchange over `stream`, for fuzz targets.
    #[cfg(fuzzing)]
    pub(crate) async fn attempt_over<S>(&self, stream: S, request: &Request) -> Result<Accepted, SendError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        match self
            .exchange(start(stream).await?, false, request, &Tally::default())
            .await
        {
            Ok(accepted) => Ok(accepted),
            Err(Failed::Other(error)) => Err(error),
            Err(Failed::Stale) => Err(SendError::Lost("closed before the answer".into())),
        }
    }

    fn message(&self, request: &Request) -> http::Request<Full<Bytes>> {
        let mut message = http::Request::new(Full::new(request.body.clone()));
        *message.method_mut() = Method::POST;
        *message.uri_mut() = self.config.target(request.signal);
        *message.headers_mut() = self.config.headers();
        message
    }

    fn judge(&self, signal: Signal, code: u16, headers: &HeaderMap, body: &[u8]) -> Result<Accepted, SendError> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let hide = |text| self.config.peer.redact(text);
        let form = Form::of(text(CONTENT_TYPE));
        if status::http_success(code) {
            // An answer has its request's form, unless it says otherwise.
            return Ok(match (form, self.config.protocol()) {
                (Form::Json, _) | (Form::Other, Protocol::HttpJson) => reply::accepted_json(body, hide),
                _ => reply::accepted(body, hide),
            });
        }
        if (300..400).contains(&code)
            && let Some(location) = text(LOCATION)
        {
            return Err(SendError::Redirected {
                code,
                location: printable(without_secrets(location).as_bytes(), hide),
            });
        }
        let retry_after = text(RETRY_AFTER).and_then(|value| retry::retry_after(value, SystemTime::now()));
        let mut message = reply::refusal(body, form, hide);
        // Nobody else says this: as where it refuses CONNECT.
        if code == 407
            && let Some(proxy) = self.config.peer.proxy().filter(|_| self.config.peer.is_forwarded())
        {
            let said = format!("407 {message}");
            let refused = ConnectionError::Proxy {
                proxy: proxy.name(),
                why: tunnel::wants_credentials(said.trim_end(), proxy.authorization.is_some()),
                is_final: true,
            };
            return Err(refused.into());
        }
        let advice = match code {
            401 | 403 => Some("are the credentials right (headers=, OTEL_EXPORTER_OTLP_HEADERS)?".to_owned()),
            404 if self.config.peer.endpoint().target == "/" => Some(format!(
                "an endpoint is used as it stands: should it end in {}?",
                signal.path()
            )),
            _ => None,
        };
        if let Some(advice) = advice {
            message += if message.is_empty() { "" } else { "; " };
            message += &advice;
        }
        Err(SendError::Status {
            code,
            message,
            retry_after,
        })
    }
}

impl Destination for HttpDestination {
    async fn attempt(&self, request: &Request, deadline: Instant, tally: &Tally) -> Result<Accepted, SendError> {
        // Never closed.
        let _permit = self.permits.acquire().await.map_err(|_| SendError::Shutdown)?;
        if let Some(connection) = self.take_idle() {
            match self.exchange(connection, true, request, tally).await {
                Err(Failed::Stale) => {}
                Err(Failed::Other(error)) => return Err(error),
                Ok(accepted) => return Ok(accepted),
            }
        }
        let connection = start(self.dialer.open(deadline, tally).await?).await?;
        match self.exchange(connection, false, request, tally).await {
            Ok(accepted) => Ok(accepted),
            Err(Failed::Other(error)) => Err(error),
            Err(Failed::Stale) => Err(SendError::Lost("closed before the answer".into())),
        }
    }

    async fn check(&self, deadline: Instant) -> Result<(), SendError> {
        let connection = start(self.dialer.open(deadline, &Tally::default()).await?).await?;
        self.keep(connection);
        Ok(())
    }
}

async fn start<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S) -> Result<Connection, SendError> {
    let head = Allowance::default();
    head.set(MAX_HEAD_BYTES);
    let stream = BoundedHead::new(stream, head.clone());
    let (sender, driver) = handshake(TokioIo::new(stream)).await.map_err(|error| lost(&error))?;
    let (dropped, is_dropped) = oneshot::channel::<()>();
    // Ends when the connection does: closed by the server, or dropped by us.
    tokio::spawn(async move {
        let lingering = async {
            let _ = is_dropped.await;
            sleep(LINGER).await;
        };
        let _ = race(driver, lingering).await; // whoever waits for an answer gets the error
    });
    Ok(Connection {
        sender,
        head,
        _dropped: dropped,
    })
}

async fn read(mut body: Incoming) -> Result<Vec<u8>, SendError> {
    match collect(&mut body, MAX_RESPONSE_BYTES).await {
        Ok(collected) => Ok(collected.bytes),
        Err(Unread::TooLarge) => Err(SendError::ResponseTooLarge {
            limit: MAX_RESPONSE_BYTES,
        }),
        Err(Unread::Broken(error)) => Err(lost(&error)),
    }
}

/// Whether a connection was closed under the request rather than answered.
fn is_close(error: &hyper::Error) -> bool {
    let io = std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    error.is_canceled()
        || error.is_closed()
        || error.is_incomplete_message()
        || io.is_some_and(|error| {
            use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};
            matches!(
                error.kind(),
                BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof
            )
        })
}

fn lost(error: &hyper::Error) -> SendError {
    if let Some(tls) = tls_error(error) {
        return tls.into();
    }
    let mut text = error.to_string();
    if let Some(source) = std::error::Error::source(error) {
        text = format!("{text}: {source}");
    }
    if error.is_parse() {
        text += "; this is no HTTP/1.1 server: a gRPC port (OTLP/HTTP usually has 4318), or one that expects https://?";
    }
    SendError::Lost(text)
}
