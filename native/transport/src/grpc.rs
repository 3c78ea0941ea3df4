//! OTLP over gRPC: unary calls over one HTTP/2 connection.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderValue, Method, Version};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::config::Config;
use crate::destination::{Accepted, Destination, Request};
use crate::error::SendError;
use spanwire_net::Tally;
use spanwire_net::dial::Dialer;
use spanwire_net::grpc::{Code, Prefix};

mod answer;
mod channel;
mod frames;
mod greeting;
mod head;
mod lost;
mod message;

use channel::Channel;
use head::Head;
use lost::{Lost, lost};
use message::Framed;

/// Calls under way at once to one destination.
const MAX_CALLS: usize = 8;

/// A connection that was idle for longer is not trusted: something on the way may have forgotten it without a word.
const MAX_IDLE: Duration = Duration::from_secs(90);

/// A backend over gRPC. Belongs to one runtime: it is made where it is used, and again in a forked child.
pub struct GrpcDestination {
    config: Arc<Config>,
    head: Head,
    dialer: Dialer<Config>,
    /// What the next call goes over.
    channel: Mutex<Option<Channel>>,
    /// Whoever opens a connection does it for all who wait.
    opening: tokio::sync::Mutex<()>,
    permits: Semaphore,
    is_closed: AtomicBool,
}

/// A call under way. When it is dropped unanswered, its connection is not used again unless others were answered meanwhile: a peer that
/// is gone without a word looks like this.
struct Call<'a> {
    destination: &'a GrpcDestination,
    channel: Channel,
    answers_before: u64,
    is_over: bool,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if !self.is_over && self.channel.answers() == self.answers_before {
            self.destination.discard(&self.channel);
        }
    }
}

impl GrpcDestination {
    /// A destination without a connection yet.
    #[must_use]
    pub fn new(config: Arc<Config>) -> Self {
        Self {
            head: Head::new(&config),
            dialer: Dialer::new(Arc::clone(&config)),
            config,
            channel: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
            permits: Semaphore::new(MAX_CALLS),
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

    /// Closes the connection, now or when its calls have ended.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        *self.kept() = None;
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Option<Channel>> {
        self.channel.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn usable(&self) -> Option<Channel> {
        let mut kept = self.kept();
        if kept
            .as_ref()
            .is_some_and(|kept| kept.sender.is_closed() || kept.idle() >= MAX_IDLE)
        {
            *kept = None;
        }
        kept.clone()
    }

    fn discard(&self, channel: &Channel) {
        self.kept().take_if(|kept| kept.is(channel));
    }

    /// The connection that is there, or a new one.
    async fn channel(&self, deadline: Instant, tally: &Tally) -> Result<Channel, SendError> {
        if let Some(channel) = self.usable() {
            return Ok(channel);
        }
        let _alone = self.opening.lock().await;
        if let Some(channel) = self.usable() {
            return Ok(channel);
        }
        let stream = self.dialer.open(deadline, tally).await?;
        let channel = Channel::open(stream, self.config.keep_alive())
            .await
            .map_err(|error| lost(&error, "").error)?;
        if !self.is_closed.load(Ordering::Relaxed) {
            *self.kept() = Some(channel.clone());
        }
        Ok(channel)
    }

    async fn call(
        &self,
        channel: Channel,
        request: &Request,
        deadline: Instant,
        tally: &Tally,
    ) -> Result<Accepted, Lost> {
        let Some(message) = self.message(request, deadline) else {
            return Err(Lost {
                error: SendError::Rpc {
                    code: Code::OutOfRange,
                    message: "a message larger than max 4 GiB cannot be sent".into(),
                    retry_delay: None,
                },
                is_unused: false,
            });
        };
        let mut call = Call {
            destination: self,
            answers_before: channel.answers(),
            channel,
            is_over: false,
        };
        let is_fresh = call.answers_before == 0;
        tally.request(request.body.len() + Prefix::SIZE);
        let answer = match call.channel.sender.send_request(message).await {
            Ok(response) => {
                answer::read(response, &self.config, |error| {
                    lost(&error, call.channel.advice()).error
                })
                .await
            }
            Err(error) => {
                call.is_over = true;
                let mut lost = lost(&error, call.channel.advice());
                // What had answered before was there: as for a kept connection of HTTP/1.1, it was lost while nobody looked.
                lost.is_unused |= !is_fresh && matches!(lost.error, SendError::Lost(_));
                if lost.is_unused || call.channel.sender.is_closed() {
                    self.discard(&call.channel);
                }
                return Err(lost);
            }
        };
        call.is_over = true;
        call.channel.answered();
        answer.map_err(|error| Lost {
            error,
            is_unused: false,
        })
    }

    fn message(&self, request: &Request, deadline: Instant) -> Option<http::Request<Framed>> {
        let is_compressed = self.config.compression().content_encoding().is_some();
        let mut message = http::Request::new(Framed::new(request.body.clone(), is_compressed)?);
        *message.version_mut() = Version::HTTP_2;
        *message.method_mut() = Method::POST;
        *message.uri_mut() = self.config.target(request.signal);
        *message.headers_mut() = self.config.headers();
        self.head.add_to(message.headers_mut());
        let left = message::timeout(deadline.saturating_duration_since(Instant::now()));
        if let Ok(left) = HeaderValue::from_str(&left) {
            message.headers_mut().insert("grpc-timeout", left);
        }
        Some(message)
    }

    /// One call over `stream`, for fuzz targets.
    #[cfg(fuzzing)]
    pub(crate) async fn attempt_over<S>(&self, stream: S, request: &Request) -> Result<Accepted, SendError>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let channel = Channel::open(stream, self.config.keep_alive())
            .await
            .map_err(|error| lost(&error, "").error)?;
        let deadline = Instant::now() + Duration::from_secs(9);
        let answer = self.call(channel, request, deadline, &Tally::default()).await;
        answer.map_err(|lost| lost.error)
    }
}

impl Destination for GrpcDestination {
    async fn attempt(&self, request: &Request, deadline: Instant, tally: &Tally) -> Result<Accepted, SendError> {
        // Never closed.
        let _permit = self.permits.acquire().await.map_err(|_| SendError::Shutdown)?;
        let channel = self.channel(deadline, tally).await?;
        let lost = match self.call(channel, request, deadline, tally).await {
            Ok(accepted) => return Ok(accepted),
            Err(lost) => lost,
        };
        if !lost.is_unused {
            return Err(lost.error);
        }
        // A server that restarts sends its calls away: to another connection, at once, once.
        let channel = self.channel(deadline, tally).await?;
        self.call(channel, request, deadline, tally)
            .await
            .map_err(|lost| lost.error)
    }

    async fn check(&self, deadline: Instant) -> Result<(), SendError> {
        self.channel(deadline, &Tally::default()).await.map(drop)
    }
}

/// What is made of an answer with these trailers, for fuzz targets.
#[cfg(fuzzing)]
pub(crate) async fn judge(trailers: http::HeaderMap, body: &[u8], config: &Config) -> Result<Accepted, SendError> {
    use http_body_util::BodyExt;
    let body = http_body_util::Full::new(bytes::Bytes::copy_from_slice(body));
    let body = Box::pin(body.with_trailers(async move { Some(Ok(trailers)) }));
    let response = http::Response::builder()
        .header(http::header::CONTENT_TYPE, "application/grpc")
        .body(body);
    match response {
        Ok(response) => answer::read(response, config, |never: std::convert::Infallible| match never {}).await,
        Err(error) => Err(SendError::Lost(error.to_string())),
    }
}

#[cfg(test)]
mod tests;
