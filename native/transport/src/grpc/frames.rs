//! HTTP/2's frames as they come in, counted: h2 answers or keeps whatever a peer sends, a ping or an interim response as
//! often as it likes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

use spanwire_net::bounded::Allowance;
use spanwire_net::writes_pass_through;

/// What the frames between two responses may cost. A large request is acknowledged by two frames for each 16 KiB.
pub const FRAMES: usize = 1 << 18;
/// Of HEADERS, which are kept until the call ends: 256 of them are more than all calls under way could have.
const HEADERS_COST: usize = 1024;
const HEADERS: u8 = 1;

/// A stream whose reader gives up when its frames have used up the [`Allowance`].
pub struct CountedFrames<S> {
    stream: S,
    left: Allowance,
    frames: Frames,
}

impl<S> CountedFrames<S> {
    pub fn new(stream: S, left: Allowance) -> Self {
        Self {
            stream,
            left,
            frames: Frames::default(),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for CountedFrames<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.left
            .check("the server sent too many headers, pings or settings without ending a response")?;
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        this.left.spend(this.frames.cost(&buffer.filled()[before..]));
        read
    }
}

writes_pass_through!(CountedFrames);

/// Where in the sequence of frames the stream stands.
#[derive(Default)]
struct Frames {
    head: [u8; HEAD],
    /// Bytes of the head that have come.
    filled: usize,
    /// Bytes of the payload that have not.
    left: usize,
}

impl Frames {
    /// Of the frames that begin in `bytes`.
    fn cost(&mut self, mut bytes: &[u8]) -> usize {
        let mut cost = 0;
        while !bytes.is_empty() {
            if self.left > 0 {
                let count = self.left.min(bytes.len());
                self.left -= count;
                bytes = &bytes[count..];
                continue;
            }
            let count = (HEAD - self.filled).min(bytes.len());
            self.head[self.filled..self.filled + count].copy_from_slice(&bytes[..count]);
            self.filled += count;
            bytes = &bytes[count..];
            if self.filled == HEAD {
                self.filled = 0;
                self.left = u32::from_be_bytes([0, self.head[0], self.head[1], self.head[2]]) as usize;
                cost += if self.head[3] == HEADERS { HEADERS_COST } else { 1 };
            }
        }
        cost
    }
}

const HEAD: usize = 9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted_however_their_bytes_come() {
        let mut stream = vec![0, 0, 5, 0, 0, 0, 0, 0, 1];
        stream.extend(b"\x00\x00\x00\x01\x01");
        stream.extend([0, 0, 2, HEADERS, 4, 0, 0, 0, 1, 0x88, 0x88]);
        stream.extend([0, 0, 0, 4, 1, 0, 0, 0, 0]);
        for piece in 1..=stream.len() {
            let mut frames = Frames::default();
            let cost: usize = stream.chunks(piece).map(|bytes| frames.cost(bytes)).sum();
            assert_eq!(cost, HEADERS_COST + 2, "in pieces of {piece}");
        }
    }
}
