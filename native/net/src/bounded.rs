//! Bounds on what a hostile or broken server can make us read: pieces of an answer's body, and what comes before the answer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::io::{AsyncRead, ReadBuf};

use crate::writes_pass_through;

/// The body of an answer may be this long; a longer one is not read.
pub const MAX_RESPONSE_BYTES: usize = 4 << 20;

/// A body may come in one piece for so many bytes of its limit: 8,192 pieces of 4 MiB. Each costs a wake-up and a message
/// between two tasks, however short it is; a server that writes its answer line by line stays far from that.
const PIECE: usize = 512;

/// An answer's body and what came behind it.
#[derive(Default)]
pub struct Collected {
    /// All pieces, joined: each by itself would hold on to the buffer that it was read into.
    pub bytes: Vec<u8>,
    /// HTTP's trailers.
    pub trailers: HeaderMap,
}

/// Why a body was not read to its end.
pub enum Unread<E> {
    /// It is longer than the limit, or comes in too many pieces.
    TooLarge,
    /// It broke off.
    Broken(E),
}

/// Reads a body of at most `limit` bytes.
pub async fn collect<B>(body: &mut B, limit: usize) -> Result<Collected, Unread<B::Error>>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut collected = Collected::default();
    let mut pieces = 0;
    while let Some(frame) = body.frame().await {
        match frame.map_err(Unread::Broken)?.into_data() {
            Ok(data) => {
                pieces += 1;
                if collected.bytes.len() + data.len() > limit || pieces > limit.div_ceil(PIECE) {
                    return Err(Unread::TooLarge);
                }
                collected.bytes.extend_from_slice(&data);
            }
            Err(frame) => collected.trailers = frame.into_trailers().unwrap_or_default(),
        }
    }
    Ok(collected)
}

/// How much a peer may still send before a response; shared by a stream and who waits for the response.
#[derive(Clone, Default)]
pub struct Allowance(Arc<AtomicUsize>);

impl Allowance {
    /// Sets what is left.
    pub fn set(&self, left: usize) {
        self.0.store(left, Ordering::Relaxed);
    }

    /// Takes `amount` of it, or all that is left.
    pub fn spend(&self, amount: usize) {
        let left = self.0.load(Ordering::Relaxed);
        self.0.store(left.saturating_sub(amount), Ordering::Relaxed);
    }

    /// An error when nothing is left; `what` came instead of a response.
    pub fn check(&self, what: &str) -> io::Result<()> {
        if self.0.load(Ordering::Relaxed) == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        Ok(())
    }
}

/// Bytes that may come before the head of an HTTP/1.1 answer is whole: of that, and of interim answers (1xx).
pub const MAX_HEAD_BYTES: usize = 256 << 10;

/// A stream whose reader gives up when the [`Allowance`] is used up. A read in progress may go over it, by no more than
/// hyper's buffer.
pub struct BoundedHead<S> {
    stream: S,
    left: Allowance,
}

impl<S> BoundedHead<S> {
    /// Reads `stream` within `left`.
    pub fn new(stream: S, left: Allowance) -> Self {
        Self { stream, left }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for BoundedHead<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.left
            .check("the server sent over 256 KiB of headers or interim responses before the response")?;
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        this.left.spend(buffer.filled().len() - before);
        read
    }
}

writes_pass_through!(BoundedHead);

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::convert::Infallible;

    use hyper::body::Frame;

    use super::*;

    struct Pieces(VecDeque<usize>);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            let piece = self.0.pop_front();
            Poll::Ready(piece.map(|length| Ok(Frame::data(Bytes::from(vec![b'x'; length])))))
        }
    }

    fn length(pieces: impl IntoIterator<Item = usize>, limit: usize) -> Option<usize> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        let mut body = Pieces(pieces.into_iter().collect());
        let collected = runtime.block_on(collect(&mut body, limit)).ok()?;
        Some(collected.bytes.len())
    }

    #[test]
    fn a_body_is_read_up_to_its_limit() {
        assert_eq!(length([4096], 4096), Some(4096));
        assert_eq!(length([4096, 1], 4096), None);
        assert_eq!(length([1; 8], 4096), Some(8));
        assert_eq!(length([1; 9], 4096), None, "pieces of one byte");
        assert_eq!(length([0; 9], 4096), None, "pieces of none");
        assert_eq!(length([1024, 1024, 1024, 1024, 0], 4096), Some(4096));
    }
}
