//! The small messages of an answer, read and written: [`ExportAnswer`] and `google.rpc.Status`.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::time::Duration;

use crate::protobuf::error::DecodeError;
use crate::protobuf::read::Message;
use crate::protobuf::tag::{
    any, duration, export_response, len_tag, partial_success, retry_info, rpc_status, varint_tag,
};
use crate::protobuf::write::Header;
use crate::schema::Type;

/// The export response of any signal, which are equal byte for byte: what a receiver says of a request that it did not
/// take whole. Without a partial success both are empty. Its message is borrowed where the encoding lets it be: JSON may have to
/// unescape it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ExportAnswer<'a> {
    /// How many items were rejected; of metrics, data points. Zero with a message is a warning.
    pub rejected: i64,
    /// Why.
    pub message: Cow<'a, str>,
}

impl<'a> ExportAnswer<'a> {
    /// Reads a whole message.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut read = Self::default();
        for field in Message::new(bytes).fields() {
            let field = field?;
            field.check(Type::TraceResponse)?;
            if field.number() == export_response::PARTIAL_SUCCESS {
                read.merge(field.message())?;
            }
        }
        Ok(read)
    }

    /// Reads one more part of the partial success.
    fn merge(&mut self, part: Message<'a>) -> Result<(), DecodeError> {
        for field in part.fields() {
            let field = field?;
            field.check(Type::TracePartialSuccess)?;
            match field.number() {
                partial_success::REJECTED_SPANS => self.rejected = field.value().cast_signed(),
                partial_success::ERROR_MESSAGE => self.message = field.message().utf8()?.into(),
                _ => {}
            }
        }
        Ok(())
    }

    /// Appends the message to `out`: nothing where all was taken without a word.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut content = Vec::with_capacity(24 + self.message.len());
        varint(&mut content, partial_success::REJECTED_SPANS, self.rejected);
        text(&mut content, partial_success::ERROR_MESSAGE, &self.message);
        if !content.is_empty() {
            bytes(out, export_response::PARTIAL_SUCCESS, &content);
        }
    }
}

/// `google.rpc.Status`, the body of an error. Of its details only a `RetryInfo` is read and written; one that cannot be read is left out.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RpcStatus<'a> {
    /// One of gRPC's codes.
    pub code: i32,
    /// What went wrong.
    pub message: &'a str,
    /// When to try again: the delay of its `RetryInfo`.
    pub retry_delay: Option<Duration>,
}

/// How the type of a detail ends that says when to try again; a host stands in front of it.
const RETRY_INFO: &str = "/google.rpc.RetryInfo";

impl<'a> RpcStatus<'a> {
    /// Reads a whole message.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut read = Self::default();
        for field in Message::new(bytes).fields() {
            let field = field?;
            field.check(Type::RpcStatus)?;
            match field.number() {
                rpc_status::CODE => read.code = field.value32().cast_signed(),
                rpc_status::MESSAGE => read.message = field.message().utf8()?,
                // The message says more than a detail that is broken.
                rpc_status::DETAILS => drop(read.detail(field.message())),
                _ => {}
            }
        }
        Ok(read)
    }

    fn detail(&mut self, detail: Message<'a>) -> Result<(), DecodeError> {
        let (mut kind, mut value) = ("", Message::default());
        for field in detail.fields() {
            let field = field?;
            field.check(Type::Any)?;
            match field.number() {
                any::TYPE_URL => kind = field.message().utf8()?,
                any::VALUE => value = field.message(),
                _ => {}
            }
        }
        if kind.ends_with(RETRY_INFO) {
            let mut delay = None;
            for field in value.fields() {
                let field = field?;
                field.check(Type::RetryInfo)?;
                if field.number() == retry_info::RETRY_DELAY {
                    delay = Some(read_duration(field.message())?);
                }
            }
            self.retry_delay = Some(delay.unwrap_or_default());
        }
        Ok(())
    }

    /// Appends the message to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        varint(out, rpc_status::CODE, self.code.into());
        text(out, rpc_status::MESSAGE, self.message);
        if let Some(delay) = self.retry_delay {
            let (mut time, mut info, mut detail) = (Vec::new(), Vec::new(), Vec::new());
            varint(&mut time, duration::SECONDS, delay.as_secs().cast_signed());
            varint(&mut time, duration::NANOS, delay.subsec_nanos().into());
            bytes(&mut info, retry_info::RETRY_DELAY, &time);
            text(&mut detail, any::TYPE_URL, "type.googleapis.com/google.rpc.RetryInfo");
            bytes(&mut detail, any::VALUE, &info);
            bytes(out, rpc_status::DETAILS, &detail);
        }
    }
}

/// A `google.protobuf.Duration`; a negative one is none at all.
fn read_duration(message: Message<'_>) -> Result<Duration, DecodeError> {
    let (mut seconds, mut nanos) = (0_i64, 0_i32);
    for field in message.fields() {
        let field = field?;
        field.check(Type::Duration)?;
        match field.number() {
            duration::SECONDS => seconds = field.value().cast_signed(),
            duration::NANOS => nanos = field.value32().cast_signed(),
            _ => {}
        }
    }
    if seconds < 0 || nanos < 0 {
        return Ok(Duration::ZERO);
    }
    Ok(Duration::new(
        seconds.unsigned_abs(),
        nanos.unsigned_abs().min(999_999_999),
    ))
}

/// A varint field, unless it is 0.
fn varint(out: &mut Vec<u8>, field: u32, value: i64) {
    if value == 0 {
        return;
    }
    out.push(varint_tag(field));
    let mut rest = value.cast_unsigned();
    while rest >= 0x80 {
        out.push((rest & 0x7F) as u8 | 0x80);
        rest >>= 7;
    }
    out.push((rest & 0x7F) as u8);
}

/// A field of bytes or a message, also if it is empty.
fn bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    out.extend_from_slice(Header::new(len_tag(field), bytes.len()).as_slice());
    out.extend_from_slice(bytes);
}

/// A string field, unless it is empty.
fn text(out: &mut Vec<u8>, field: u32, text: &str) {
    if !text.is_empty() {
        out.extend_from_slice(Header::new(len_tag(field), text.len()).as_slice());
        out.extend_from_slice(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;
    use crate::protobuf::error::DecodeErrorKind;

    #[test]
    fn an_answer_reads_back() {
        for rejected in [0, 1, 300, i64::MAX, -1] {
            for message in ["", "too old", &"x".repeat(200)] {
                let answer = ExportAnswer {
                    rejected,
                    message: message.into(),
                };
                let mut bytes = vec![];
                answer.encode(&mut bytes);
                assert_eq!(ExportAnswer::decode(&bytes), Ok(answer));
            }
        }
    }

    #[test]
    fn full_success_is_an_empty_message() {
        let mut bytes = vec![];
        ExportAnswer::default().encode(&mut bytes);
        assert!(bytes.is_empty());
        assert_eq!(ExportAnswer::decode(&[]), Ok(ExportAnswer::default()));
    }

    #[test]
    fn a_partial_success_in_two_parts_is_one() {
        let bytes = [0x0A, 2, 0x08, 7, 0x0A, 3, 0x12, 1, b'm'];
        let answer = ExportAnswer {
            rejected: 7,
            message: "m".into(),
        };
        assert_eq!(ExportAnswer::decode(&bytes), Ok(answer));
    }

    #[test]
    fn a_status_reads_back() {
        for code in [0, 3, 200, -1] {
            let status = RpcStatus {
                code,
                message: "bad request",
                retry_delay: None,
            };
            let mut bytes = vec![];
            status.encode(&mut bytes);
            assert_eq!(RpcStatus::decode(&bytes), Ok(status));
        }
        let with_details = [0x08, 3, 0x1A, 3, 0x0A, 1, b'x', 0x12, 1, b'm'];
        assert_eq!(
            RpcStatus::decode(&with_details),
            Ok(RpcStatus {
                code: 3,
                message: "m",
                retry_delay: None
            })
        );
    }

    #[test]
    fn a_retry_delay_reads_back() {
        for delay in [
            Duration::ZERO,
            Duration::from_millis(1_500),
            Duration::new(i64::MAX.unsigned_abs(), 999_999_999),
        ] {
            let status = RpcStatus {
                code: 14,
                message: "",
                retry_delay: Some(delay),
            };
            let mut bytes = vec![];
            status.encode(&mut bytes);
            assert_eq!(RpcStatus::decode(&bytes), Ok(status));
        }
    }

    #[test]
    fn a_retry_info_without_or_with_a_negative_delay_says_at_once() {
        let status = |value: &[u8]| {
            let (mut detail, mut out) = (vec![], vec![]);
            text(&mut detail, any::TYPE_URL, "x/google.rpc.RetryInfo");
            bytes(&mut detail, any::VALUE, value);
            bytes(&mut out, rpc_status::DETAILS, &detail);
            RpcStatus::decode(&out).map(|status| status.retry_delay)
        };
        assert_eq!(status(&[]), Ok(Some(Duration::ZERO)));
        assert_eq!(
            status(&[0x0A, 11, 0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1]),
            Ok(Some(Duration::ZERO))
        );
        assert_eq!(status(&[0x0A, 9]), Ok(None));
    }

    #[test]
    fn a_detail_that_cannot_be_read_costs_neither_code_nor_message() {
        for detail in [&[0x0A, 9][..], &[0x0A, 1, 0xFF], &[0xFF]] {
            let mut out = vec![];
            bytes(&mut out, rpc_status::DETAILS, detail);
            out.extend([0x08, 3, 0x12, 1, b'm']);
            let expected = RpcStatus {
                code: 3,
                message: "m",
                retry_delay: None,
            };
            assert_eq!(RpcStatus::decode(&out), Ok(expected));
        }
    }

    #[test]
    fn a_malformed_answer_is_an_error_with_its_place() {
        let wrong = |bytes| ExportAnswer::decode(bytes).unwrap_err();
        assert_eq!(
            wrong(&[0x0A, 3, 0x12, 1, 0xFF]),
            DecodeError::new(4, DecodeErrorKind::InvalidUtf8)
        );
        assert_eq!(wrong(&[0x0A, 2, 0x08]).offset, 1);
        let html = b"<html>502 Bad Gateway</html>";
        assert!(ExportAnswer::decode(html).is_err() && RpcStatus::decode(html).is_err());
    }
}
