//! One call as HTTP/2 carries it: its head, and its body in gRPC's frame.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// In front of each message: whether it is compressed, and its length in four bytes.
pub const PREFIX: usize = 5;

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
        let mut prefix = [u8::from(is_compressed), 0, 0, 0, 0];
        prefix[1..].copy_from_slice(&length.to_be_bytes());
        Some(Self {
            prefix: Some(Bytes::copy_from_slice(&prefix)),
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

/// The one message in `body`, as it is; `None` if it is compressed, which we do not ask for, or if there is not exactly one.
#[must_use]
pub fn unframed(body: &[u8]) -> Option<&[u8]> {
    let (prefix, message) = body.split_at_checked(PREFIX)?;
    let length = u32::from_be_bytes(prefix[1..].try_into().ok()?);
    (prefix[0] == 0 && usize::try_from(length) == Ok(message.len())).then_some(message)
}

/// What a percent-encoded `grpc-message` says; what is no encoding stands for itself.
#[must_use]
pub fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        let digits = after
            .get(..2)
            .filter(|digits| first == b'%' && digits.iter().all(u8::is_ascii_hexdigit));
        let code = digits.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(code.unwrap_or(first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    bytes
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

    #[test]
    fn an_answer_holds_exactly_one_message_that_is_not_compressed() {
        assert_eq!(unframed(&[0, 0, 0, 0, 2, 7, 8]), Some(&[7, 8][..]));
        assert_eq!(unframed(&[0, 0, 0, 0, 0]), Some(&[][..]));
        for wrong in [
            &[][..],
            &[0, 0, 0, 0],
            &[1, 0, 0, 0, 0],
            &[0, 0, 0, 0, 2, 7],
            &[0, 0, 0, 0, 0, 0],
        ] {
            assert_eq!(unframed(wrong), None);
        }
    }

    #[test]
    fn messages_are_percent_decoded() {
        for (text, expected) in [
            ("no%20%C3%A9", "no é"),
            ("100%", "100%"),
            ("%zz%4", "%zz%4"),
            ("%+1", "%+1"),
            ("", ""),
        ] {
            assert_eq!(String::from_utf8_lossy(&percent_decoded(text.as_bytes())), expected);
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
            prop_assert_eq!(unframed(&out), Some(&message[..]));
        }
    }
}
