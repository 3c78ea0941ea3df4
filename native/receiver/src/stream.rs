//! A TCP stream that the HTTP connection and its request handler share, so that a handler can reset it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::ffi::ClosedInChild;

/// A connection's socket, by shared reference.
#[derive(Clone, Debug)]
pub(crate) struct SharedStream(Arc<Socket>);

// Field order matters: the table entry goes before the socket is closed.
#[derive(Debug)]
struct Socket {
    _entry: ClosedInChild,
    stream: TcpStream,
}

impl SharedStream {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self(Arc::new(Socket {
            _entry: ClosedInChild::new(&stream),
            stream,
        }))
    }

    /// Makes the coming close a reset (RST) instead of an orderly end.
    pub(crate) fn reset_on_close(&self) -> io::Result<()> {
        SockRef::from(&self.0.stream).set_linger(Some(Duration::ZERO))
    }

    /// Ends our direction only (FIN); reading goes on.
    pub(crate) fn half_close(&self) -> io::Result<()> {
        SockRef::from(&self.0.stream).shutdown(std::net::Shutdown::Write)
    }
}

impl AsyncRead for SharedStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let stream = &self.0.stream;
        loop {
            ready!(stream.poll_read_ready(context))?;
            // Into memory as it is: zeroing it first would cost more than the call.
            match stream.try_read_buf(buffer) {
                Ok(_) => return Poll::Ready(Ok(())),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for SharedStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let stream = &self.0.stream;
        loop {
            ready!(stream.poll_write_ready(context))?;
            match stream.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.half_close())
    }
}
