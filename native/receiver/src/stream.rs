//! A stream that a connection and its request handlers share, so that a handler can reset it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use crate::ffi::ClosedInChild;

/// A connection's socket, by shared reference.
#[derive(Clone, Debug)]
pub(crate) struct SharedStream(Arc<Socket>);

// Field order matters: the table entry goes before the socket is closed.
#[derive(Debug)]
struct Socket {
    _entry: ClosedInChild,
    stream: Stream,
}

#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// The same expression on either kind of stream.
macro_rules! on {
    ($stream:expr, $name:ident => $what:expr) => {
        match &$stream.0.stream {
            Stream::Tcp($name) => $what,
            Stream::Unix($name) => $what,
        }
    };
}

impl SharedStream {
    pub(crate) fn tcp(stream: TcpStream) -> Self {
        Self(Arc::new(Socket {
            _entry: ClosedInChild::new(&stream),
            stream: Stream::Tcp(stream),
        }))
    }

    pub(crate) fn unix(stream: UnixStream) -> Self {
        Self(Arc::new(Socket {
            _entry: ClosedInChild::new(&stream),
            stream: Stream::Unix(stream),
        }))
    }

    /// The other side's address; None of a Unix socket.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        match &self.0.stream {
            Stream::Tcp(stream) => stream.peer_addr().ok(),
            Stream::Unix(_) => None,
        }
    }

    /// Makes the coming close a reset (RST) instead of an orderly end. Unix sockets know none: there it stays one.
    pub(crate) fn reset_on_close(&self) -> io::Result<()> {
        on!(self, stream => SockRef::from(stream).set_linger(Some(Duration::ZERO)))
    }

    /// Ends our direction only (FIN); reading goes on.
    pub(crate) fn half_close(&self) -> io::Result<()> {
        on!(self, stream => SockRef::from(stream).shutdown(std::net::Shutdown::Write))
    }

    /// Ends our direction and throws away what comes until the client has closed or time is up: a socket that is
    /// closed with bytes unread is reset, which takes what was sent last away from the client.
    pub(crate) async fn close_orderly(mut self, time: Duration) {
        // Fails only on a connection that is gone already.
        let _ = self.half_close();
        let mut piece = [0; 4096];
        let _ = timeout(time, async {
            while self.read(&mut piece).await.is_ok_and(|count| count > 0) {}
        })
        .await;
    }
}

impl AsyncRead for SharedStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        on!(self, stream => loop {
            ready!(stream.poll_read_ready(context))?;
            // Into memory as it is: zeroing it first would cost more than the call.
            match stream.try_read_buf(buffer) {
                Ok(_) => return Poll::Ready(Ok(())),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        })
    }
}

impl AsyncWrite for SharedStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        on!(self, stream => loop {
            ready!(stream.poll_write_ready(context))?;
            match stream.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.half_close())
    }
}
