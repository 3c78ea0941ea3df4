//! What a peer says first: HTTP/2 begins with a frame of settings, and what begins otherwise is another server.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

use spanwire_net::writes_pass_through;

/// The first four bytes that a peer sent, as far as they came in one piece; 0 before.
#[derive(Clone, Default)]
pub struct Greeting(Arc<AtomicU32>);

impl Greeting {
    /// What to tell people of a peer that closed before it answered.
    pub fn advice(&self) -> &'static str {
        match self.0.load(Ordering::Relaxed).to_be_bytes() {
            [b'H', b'T', b'T', b'P'] => {
                "; the server speaks HTTP/1.1 here: a port of OTLP/HTTP? gRPC usually has port 4317"
            }
            [0x15 | 0x16, 3, _, _] => "; the server speaks TLS here: is its endpoint https://?",
            [0, 0, 0, 0] => {
                "; does it speak gRPC without TLS here? gRPC usually has port 4317, and an endpoint behind TLS begins with https://"
            }
            _ => "",
        }
    }

    fn hear(&self, first: &[u8]) {
        if let Some(first) = first.first_chunk() {
            self.0.store(u32::from_be_bytes(*first).max(1), Ordering::Relaxed);
        }
    }

    fn is_heard(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }
}

/// A stream whose beginning is listened to.
pub struct Heard<S> {
    stream: S,
    greeting: Greeting,
}

impl<S> Heard<S> {
    pub fn new(stream: S, greeting: Greeting) -> Self {
        Self { stream, greeting }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        if !this.greeting.is_heard() {
            this.greeting.hear(&buffer.filled()[before..]);
        }
        read
    }
}

writes_pass_through!(Heard);
