//! Connections: accepted within a bound, told apart by protocol, driven to their end.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::config::Limits;
use crate::consumer::Consumer;
use crate::fault::{Disconnect, Fault};
use crate::http::{Shared, handle};
use crate::http2;
use crate::listen::{Bound, Listener};
use crate::peer::{HELD_TIME, Peer};
use crate::preface::Replayed;
use crate::stream::SharedStream;

/// A socket that clients come to, and what is spoken there.
pub(crate) struct Entrance<Socket = Bound> {
    socket: Socket,
    acceptor: Option<TlsAcceptor>,
    only_grpc: bool,
}

impl Entrance {
    pub(crate) fn new(socket: Bound, acceptor: Option<TlsAcceptor>, only_grpc: bool) -> Self {
        Self {
            socket,
            acceptor,
            only_grpc,
        }
    }

    /// Called on the runtime's thread.
    pub(crate) fn open(self) -> io::Result<Entrance<Listener>> {
        Ok(Entrance {
            socket: self.socket.into_listener()?,
            acceptor: self.acceptor,
            only_grpc: self.only_grpc,
        })
    }
}

/// What all entrances share.
#[derive(Debug)]
pub(crate) struct Service<C> {
    shared: Arc<Shared<C>>,
    stopped: watch::Receiver<Option<Duration>>,
    connections: Arc<Semaphore>,
}

impl<C> Clone for Service<C> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            stopped: self.stopped.clone(),
            connections: Arc::clone(&self.connections),
        }
    }
}

impl<C: Consumer> Service<C> {
    pub(crate) fn new(shared: &Arc<Shared<C>>, stopped: watch::Receiver<Option<Duration>>) -> Self {
        Self {
            shared: Arc::clone(shared),
            stopped,
            connections: Arc::new(Semaphore::new(shared.limits.connections)),
        }
    }

    /// Serves until the server stops and its connections have ended, or their time is over.
    pub(crate) async fn serve(mut self, entrances: Vec<Entrance<Listener>>) {
        let mut accepting = JoinSet::new();
        for entrance in entrances {
            accepting.spawn(self.clone().accept(Arc::new(entrance)));
        }
        // An error is a sender that is gone: stop as well.
        let grace = match self.stopped.wait_for(Option::is_some).await {
            Ok(grace) => grace.unwrap_or_default(),
            Err(_) => Duration::ZERO,
        };
        accepting.shutdown().await;
        let all = u32::try_from(self.shared.limits.connections).unwrap_or(u32::MAX);
        // Over the grace, the runtime's end drops what is left.
        let _ = timeout(grace, self.connections.acquire_many(all)).await;
    }

    async fn accept(self, entrance: Arc<Entrance<Listener>>) {
        loop {
            let permit = Arc::clone(&self.connections).acquire_owned().await;
            let permit = permit.expect("the semaphore is never closed");
            match entrance.socket.accept().await {
                Ok(stream) => {
                    let (acceptor, only_grpc) = (entrance.acceptor.clone(), entrance.only_grpc);
                    tokio::spawn(self.clone().connection(stream, acceptor, only_grpc, permit));
                }
                // Out of descriptors, or the peer went away meanwhile: go on, but not in a hot loop.
                Err(_) => sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    async fn connection(
        self,
        stream: SharedStream,
        acceptor: Option<TlsAcceptor>,
        only_grpc: bool,
        _permit: OwnedSemaphorePermit,
    ) {
        if let Some(fault) = self.shared.consumer.connect() {
            self.until_stopped(misbehave(&fault, stream)).await;
            return;
        }
        let time = self.shared.limits.header_timeout;
        let Some(acceptor) = acceptor else {
            if only_grpc {
                return self.http2(stream.clone(), stream, true).await;
            }
            match self.until_stopped(timeout(time, Replayed::begin(stream.clone()))).await {
                Some(Ok(Ok(io))) if io.is_http2() => self.http2(io, stream, false).await,
                Some(Ok(Ok(io))) => self.http1(io, stream).await,
                // Nothing came, or too little.
                Some(Err(_)) => drop(self.until_stopped(stream.close_orderly(ORDERLY_TIME)).await),
                // The client is gone, or the server stops.
                Some(Ok(Err(_))) | None => {}
            }
            return;
        };
        // Who can't shake hands is told so by TLS.
        if let Ok(Ok(encrypted)) = timeout(time, acceptor.accept(stream.clone())).await {
            if only_grpc || encrypted.get_ref().1.alpn_protocol() == Some(b"h2") {
                self.http2(encrypted, stream, only_grpc).await;
            } else {
                self.http1(encrypted, stream).await;
            }
        }
    }

    async fn http2(&self, io: impl AsyncRead + AsyncWrite + Unpin + Send, stream: SharedStream, only_grpc: bool) {
        let mut stopped = self.stopped.clone();
        let stop = async move { drop(stopped.wait_for(Option::is_some).await) };
        http2::serve(io, stream, &self.shared, only_grpc, stop).await;
    }

    async fn http1(&self, io: impl AsyncRead + AsyncWrite + Unpin, stream: SharedStream) {
        let Limits {
            header_timeout,
            header_bytes,
            ..
        } = self.shared.limits;
        let peer = Peer::http1(stream);
        let service = service_fn(|request| handle(Arc::clone(&self.shared), peer.clone(), request));
        let mut connection = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(header_timeout)
                .max_buf_size(header_bytes.max(MINIMUM_BUFFER))
                .serve_connection(TokioIo::new(io), service)
        );
        let mut stopped = self.stopped.clone();
        let mut stop = pin!(stopped.wait_for(Option::is_some));
        let mut stopping = false;
        // How a connection ended concerns its client alone.
        let _ = poll_fn(|context| {
            if !stopping && stop.as_mut().poll(context).is_ready() {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            match connection.as_mut().poll(context) {
                Poll::Ready(done) => Poll::Ready(done),
                Poll::Pending => Poll::Pending,
            }
        })
        .await;
    }

    /// What it gives, or None when the server stops before.
    async fn until_stopped<Output>(&self, what: impl Future<Output = Output>) -> Option<Output> {
        let mut stopped = self.stopped.clone();
        let mut stop = pin!(stopped.wait_for(Option::is_some));
        let mut what = pin!(what);
        poll_fn(|context| {
            if let Poll::Ready(output) = what.as_mut().poll(context) {
                return Poll::Ready(Some(output));
            }
            stop.as_mut().poll(context).map(|_| None)
        })
        .await
    }
}

/// Ends a connection on which nothing was said yet.
async fn misbehave(fault: &Fault, stream: SharedStream) {
    sleep(fault.delay).await;
    match fault.disconnect {
        // Fails only on a connection that is gone already.
        Some(Disconnect::Reset) => drop(stream.reset_on_close()),
        Some(Disconnect::HalfClose) => stream.close_orderly(HELD_TIME).await,
        Some(Disconnect::Stall | Disconnect::Freeze) => sleep(HELD_TIME).await,
        _ => stream.close_orderly(ORDERLY_TIME).await,
    }
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long a client has to end its side too.
const ORDERLY_TIME: Duration = Duration::from_secs(1);
/// hyper refuses less.
const MINIMUM_BUFFER: usize = 8192;
