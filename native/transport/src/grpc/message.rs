//! One call as HTTP/2 carries it: its head, and its body in gRPC's frame.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use spanwire_net::grpc::Prefix;

/// A message behind its prefix. The prefix goes out as a piece of its own, so the message need not be copied behind it.
pub struct Framed {
    prefix: Option<Bytes>,
    message: Option<Bytes>,
}

impl Framed {
    /// `None` if the message is longer than the prefix can say.
    #[must_use]
    pub fn new(message: Bytes, is_compressed: bool) -> Option<Self> {
        let length = u32::try_from(message.len()).ok()?;
        let prefix = Prefix {
            flag: is_compressed.into(),
            length,
        };
        Some(Self {
            prefix: Some(Bytes::copy_from_slice(&prefix.encode())),
            message: Some(message).filter(|message| !message.is_empty()),
        })
    }
}

impl Body for Framed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.prefix.take().or_else(|| self.message.take());
        Poll::Ready(next.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.prefix.is_none() && self.message.is_none()
    }

    // No exact size: HTTP would make a content-length of it, which gRPC does not have.
    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// The value of `grpc-timeout` for so much time: eight digits at most.
#[must_use]
pub fn timeout(left: Duration) -> String {
    let millis = left.as_millis().max(1);
    if millis < 100_000_000 {
        format!("{millis}m")
    } else {
        format!("{}S", left.as_secs().min(99_999_999))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_timeout_has_eight_digits_at_most() {
        for (left, expected) in [
            (Duration::ZERO, "1m"),
            (Duration::from_millis(1_500), "1500m"),
            (Duration::from_millis(99_999_999), "99999999m"),
            (Duration::from_secs(100_000), "100000S"),
            (Duration::MAX, "99999999S"),
        ] {
            assert_eq!(timeout(left), expected);
        }
    }

    proptest! {
        #[test]
        fn a_framed_message_reads_back(message in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut body = Framed::new(Bytes::from(message.clone()), false).expect("short");
            let mut context = Context::from_waker(std::task::Waker::noop());
            let mut out = Vec::new();
            while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut body).poll_frame(&mut context) {
                out.extend_from_slice(&frame.into_data().expect("data"));
            }
            prop_assert!(body.is_end_stream());
            prop_assert_eq!(Prefix::strip(&out), Some(&message[..]));
        }
    }
}
