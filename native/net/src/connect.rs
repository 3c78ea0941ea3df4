//! From a host to a connected, tracked socket.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, RawFd};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use spanwire_ground::descriptors;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream, UnixSocket, UnixStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};

use crate::endpoint::Endpoint;
use crate::error::ConnectionError;

/// Connects to the first address of the endpoint that answers. Each gets an equal share of the time left, so that one
/// that swallows packets doesn't cost the others theirs.
pub async fn connect(endpoint: &Endpoint, deadline: Instant) -> Result<TrackedStream, ConnectionError> {
    if let Some(unix) = &endpoint.unix {
        let connecting = timeout_at(deadline, TrackedStream::connect_unix(unix));
        return connecting
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .map_err(|source| ConnectionError::Connect {
                address: unix.display().to_string(),
                source,
            });
    }
    // Said here, since "no answer" would send people to the backend rather than to the name server.
    let late = |_| {
        Err(ConnectionError::Resolve {
            host: endpoint.host.clone(),
            source: io::ErrorKind::TimedOut.into(),
        })
    };
    let addresses = timeout_at(deadline, resolve(endpoint)).await.unwrap_or_else(late)?;
    let mut last = None;
    for (at, &address) in addresses.iter().enumerate() {
        let share =
            deadline.saturating_duration_since(Instant::now()) / u32::try_from(addresses.len() - at).unwrap_or(1);
        let result = match timeout(share, TrackedStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => error,
            Err(_) => io::Error::from(io::ErrorKind::TimedOut),
        };
        last = Some(ConnectionError::Connect {
            address: address.to_string(),
            source: result,
        });
    }
    Err(last.unwrap_or_else(|| ConnectionError::Resolve {
        host: endpoint.host.clone(),
        source: io::Error::new(io::ErrorKind::NotFound, "it has no address"),
    }))
}

/// The addresses of the endpoint, in the order to try them.
async fn resolve(endpoint: &Endpoint) -> Result<Vec<SocketAddr>, ConnectionError> {
    let Endpoint { host, port, .. } = endpoint;
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, *port)]);
    }
    // RFC 6761: always loopback. Asking libc takes a thread and, in a forked child, locks that the fork may have caught.
    if host.eq_ignore_ascii_case("localhost") {
        return Ok(vec![
            (Ipv6Addr::LOCALHOST, *port).into(),
            (Ipv4Addr::LOCALHOST, *port).into(),
        ]);
    }
    match lookup_host((host.as_str(), *port)).await {
        Ok(found) => Ok(found.collect()),
        Err(source) => Err(ConnectionError::Resolve {
            host: host.clone(),
            source,
        }),
    }
}

/// A stream listed in [`descriptors`] from its birth to its end.
#[derive(Debug)]
pub struct TrackedStream(
    /// `None` only while being dropped.
    Option<Stream>,
);

#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl AsRawFd for Stream {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Self::Tcp(stream) => stream.as_raw_fd(),
            Self::Unix(stream) => stream.as_raw_fd(),
        }
    }
}

/// The same for either kind of socket.
macro_rules! either {
    ($stream:expr, $inner:ident => $call:expr) => {
        match $stream {
            Stream::Tcp($inner) => {
                let $inner = Pin::new($inner);
                $call
            }
            Stream::Unix($inner) => {
                let $inner = Pin::new($inner);
                $call
            }
        }
    };
}

impl TrackedStream {
    async fn connect(address: SocketAddr) -> io::Result<Self> {
        let socket = TrackedSocket::open(address)?;
        socket.connect(address).await
    }

    async fn connect_unix(path: &Path) -> io::Result<Self> {
        let socket = {
            let mut held = descriptors::hold();
            let socket = UnixSocket::new_stream()?;
            held.add(socket.as_raw_fd());
            socket
        };
        let descriptor = socket.as_raw_fd();
        let path = path.to_owned();
        let connecting = Connecting {
            descriptor,
            future: Some(Box::pin(async move { socket.connect(path).await.map(Stream::Unix) })),
        };
        connecting.await
    }

    fn inner(self: Pin<&mut Self>) -> io::Result<&mut Stream> {
        self.get_mut()
            .0
            .as_mut()
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Drop for TrackedStream {
    fn drop(&mut self) {
        if let Some(stream) = self.0.take() {
            let mut held = descriptors::hold();
            held.remove(stream.as_raw_fd());
            drop(stream); // closed before the lock is
        }
    }
}

/// A socket on its way to being connected; listed as well.
struct TrackedSocket(Option<TcpSocket>);

impl TrackedSocket {
    fn open(address: SocketAddr) -> io::Result<Self> {
        let mut held = descriptors::hold();
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()
        } else {
            TcpSocket::new_v6()
        }?;
        held.add(socket.as_raw_fd());
        drop(held);
        let socket = Self(Some(socket));
        if let Some(open) = &socket.0 {
            open.set_nodelay(true)?; // requests are written whole
        }
        Ok(socket)
    }

    async fn connect(mut self, address: SocketAddr) -> io::Result<TrackedStream> {
        let Some(socket) = self.0.take() else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let connecting = Connecting {
            descriptor: socket.as_raw_fd(),
            future: Some(Box::pin(async move { socket.connect(address).await.map(Stream::Tcp) })),
        };
        connecting.await
    }
}

impl Drop for TrackedSocket {
    fn drop(&mut self) {
        if let Some(socket) = self.0.take() {
            let mut held = descriptors::hold();
            held.remove(socket.as_raw_fd());
            drop(socket);
        }
    }
}

type Connect = Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>>;

/// The socket inside tokio's connect future, which closes it when it fails or is dropped: both under the lock.
struct Connecting {
    descriptor: i32,
    future: Option<Connect>,
}

impl Future for Connecting {
    type Output = io::Result<TrackedStream>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let descriptor = self.descriptor;
        let Some(future) = self.future.as_mut() else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        let mut held = descriptors::hold();
        let Poll::Ready(result) = future.as_mut().poll(context) else {
            return Poll::Pending;
        };
        self.future = None;
        if result.is_err() {
            held.remove(descriptor);
        }
        Poll::Ready(result.map(|stream| TrackedStream(Some(stream))))
    }
}

impl Drop for Connecting {
    fn drop(&mut self) {
        if let Some(future) = self.future.take() {
            let mut held = descriptors::hold();
            held.remove(self.descriptor);
            drop(future);
        }
    }
}

impl AsyncRead for TrackedStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        either!(self.inner()?, stream => stream.poll_read(context, buffer))
    }
}

impl AsyncWrite for TrackedStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        either!(self.inner()?, stream => stream.poll_write(context, buffer))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self.inner()?, stream => stream.poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self.inner()?, stream => stream.poll_shutdown(context))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self.inner()?, stream => stream.poll_write_vectored(context, buffers))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_look_up_that_outlasts_the_deadline_is_named() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(1)
            .build()
            .expect("runtime");
        // The only thread for look-ups is busy, as if the name server did not answer.
        let (done, busy) = std::sync::mpsc::channel::<()>();
        runtime.spawn_blocking(move || busy.recv());
        let endpoint = Endpoint::parse("http://spanwire.invalid:4318/").expect("valid");
        let error = runtime
            .block_on(async { connect(&endpoint, Instant::now() + Duration::from_millis(50)).await })
            .map(drop)
            .expect_err("too late");
        drop(done);
        assert_eq!(
            error.to_string(),
            "cannot find the address of spanwire.invalid: timed out"
        );
        assert!(error.is_retryable());
    }
}
