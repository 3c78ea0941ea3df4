//! The first bytes of a connection without TLS: they tell HTTP/2 from HTTP/1.1, and are read again by the server of either.
//!
//! They are read, not peeked at: a peek leaves the socket readable, so waiting for the next byte would spin, and the end
//! of the stream behind them would not be seen.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// How HTTP/2's preface begins: no other protocol's request does, and its method is registered for nothing else.
const PREFACE: [u8; 4] = *b"PRI ";

/// A stream whose first bytes were read, and are given once more to its next reader.
#[derive(Debug)]
pub(crate) struct Replayed<S> {
    stream: S,
    begin: [u8; PREFACE.len()],
    given: usize,
    filled: usize,
}

impl<S: AsyncRead + Unpin> Replayed<S> {
    /// Reads until it is clear whether HTTP/2 is spoken, or the client has ended its side.
    pub(crate) async fn begin(mut stream: S) -> io::Result<Self> {
        let mut begin = [0; PREFACE.len()];
        let mut filled = 0;
        while filled < PREFACE.len() && begin[..filled] == PREFACE[..filled] {
            match stream.read(&mut begin[filled..]).await? {
                0 => break,
                count => filled += count,
            }
        }
        Ok(Self {
            stream,
            begin,
            given: 0,
            filled,
        })
    }

    /// Whether the bytes are those of HTTP/2's preface.
    pub(crate) fn is_http2(&self) -> bool {
        self.begin[..self.filled] == PREFACE
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Replayed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.given < self.filled {
            let count = buffer.remaining().min(self.filled - self.given);
            buffer.put_slice(&self.begin[self.given..self.given + count]);
            self.given += count;
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Replayed<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
