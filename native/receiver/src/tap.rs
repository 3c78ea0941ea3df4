//! HTTP/2's bytes on their way out, so that a frame of our own can stand between two of hyper's.
//!
//! hyper writes no GOAWAY with a code or a last stream of ours. Both sides of this are polled by the one task that
//! drives the connection, so the lock is never waited for.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection's bytes; clones share them.
#[derive(Debug)]
pub(crate) struct Tap<Io>(Arc<Mutex<Tapped<Io>>>);

impl<Io> Clone for Tap<Io> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[derive(Debug)]
struct Tapped<Io> {
    io: Io,
    frames: Frames,
}

impl<Io> Tap<Io> {
    pub(crate) fn new(io: Io) -> Self {
        Self(Arc::new(Mutex::new(Tapped {
            io,
            frames: Frames::default(),
        })))
    }

    /// Whether what was written so far ends with a whole frame.
    pub(crate) fn is_between_frames(&self) -> bool {
        self.lock().frames.is_between()
    }

    fn lock(&self) -> MutexGuard<'_, Tapped<Io>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Io: AsyncWrite + Unpin> Tap<Io> {
    /// Writes whole frames, which may stand only where [`Tap::is_between_frames`].
    pub(crate) async fn insert(&self, mut frames: &[u8]) -> io::Result<()> {
        while !frames.is_empty() {
            let count = poll_fn(|context| Pin::new(&mut self.lock().io).poll_write(context, frames)).await?;
            frames = &frames[count..];
        }
        poll_fn(|context| Pin::new(&mut self.lock().io).poll_flush(context)).await
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Tap<Io> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().io).poll_read(context, buffer)
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Tap<Io> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut tapped = self.lock();
        let count = ready!(Pin::new(&mut tapped.io).poll_write(context, bytes))?;
        tapped.frames.pass(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().io).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().io).poll_shutdown(context)
    }
}

/// Where in the sequence of frames what was written ends.
#[derive(Debug, Default)]
struct Frames {
    head: [u8; HEAD],
    /// Bytes of the head that have passed.
    passed: usize,
    /// Bytes of the payload that have not.
    left: usize,
}

impl Frames {
    fn is_between(&self) -> bool {
        self.passed == 0 && self.left == 0
    }

    fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let count = if self.left > 0 {
                let count = self.left.min(bytes.len());
                self.left -= count;
                count
            } else {
                let count = (HEAD - self.passed).min(bytes.len());
                self.head[self.passed..self.passed + count].copy_from_slice(&bytes[..count]);
                self.passed += count;
                if self.passed == HEAD {
                    self.passed = 0;
                    self.left = u32::from_be_bytes([0, self.head[0], self.head[1], self.head[2]]) as usize;
                }
                count
            };
            bytes = &bytes[count..];
        }
    }
}

const HEAD: usize = 9;

/// A GOAWAY frame (RFC 9113, 6.8).
pub(crate) fn go_away(last_stream: u32, code: u32) -> [u8; HEAD + 8] {
    let mut frame = [0; HEAD + 8];
    frame[2] = 8; // length
    frame[3] = 7; // type
    frame[HEAD..HEAD + 4].copy_from_slice(&last_stream.to_be_bytes());
    frame[HEAD + 4..].copy_from_slice(&code.to_be_bytes());
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn end_of_a_frame_is_seen_however_its_bytes_come() {
        let mut stream = vec![0, 0, 5, 0, 0, 0, 0, 0, 1];
        stream.extend(b"abcde");
        stream.extend([0, 0, 0, 4, 1, 0, 0, 0, 0]);
        stream.extend(go_away(0, 11));
        for piece in 1..stream.len() {
            let mut frames = Frames::default();
            let mut between = Vec::new();
            let mut at = 0;
            for bytes in stream.chunks(piece) {
                frames.pass(bytes);
                at += bytes.len();
                if frames.is_between() {
                    between.push(at);
                }
            }
            let ends = [14, 23, 40];
            let expected: Vec<_> = ends
                .into_iter()
                .filter(|end| end % piece == 0 || *end == stream.len())
                .collect();
            assert_eq!(between, expected, "in pieces of {piece}");
        }
    }
}
