//! gRPC over HTTP/2: the one message of a unary call, and the status behind an answer.

use std::time::Duration;

use bytes::{Buf, Bytes};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use spanwire_wire::Signal;
use spanwire_wire::answer::RpcStatus;

use crate::body;
use crate::refusal::Refusal;
use spanwire_json::base64;
use spanwire_net::Compression;
use spanwire_net::grpc::{Code, Prefix, percent};

pub(crate) const CONTENT_TYPE: &str = "application/grpc";
const ENCODINGS: HeaderValue = HeaderValue::from_static("identity,gzip,deflate,zstd");
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");

/// Whether this content type, in whatever form of a message, is gRPC's.
pub(crate) fn is_content_type(essence: &str) -> bool {
    let Some((name, rest)) = essence.split_at_checked(CONTENT_TYPE.len()) else {
        return false;
    };
    name.eq_ignore_ascii_case(CONTENT_TYPE) && (rest.is_empty() || rest.starts_with('+'))
}

/// Whether the call is one that is served, and how its message is encoded where it says that it is compressed.
pub(crate) fn check(head: &Parts, essence: &str) -> Result<(Signal, Option<Compression>), Refusal> {
    if head.method != Method::POST {
        let text = format!("{} is not allowed: gRPC uses POST", head.method);
        return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, text));
    }
    let Some(signal) = Signal::from_method(head.uri.path()) else {
        let methods = Signal::ALL.map(Signal::method).join(", ");
        let text = format!("there is no method {:?}, only {methods}", head.uri.path());
        return Err(Refusal::new(StatusCode::NOT_FOUND, text));
    };
    let form = &essence[CONTENT_TYPE.len()..];
    if !form.is_empty() && !form.eq_ignore_ascii_case("+proto") {
        let text = format!("messages of content type {essence:?} are not supported: send {CONTENT_TYPE}");
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text).grpc(Code::Unimplemented));
    }
    let Some(name) = head.headers.get(ENCODING) else {
        return Ok((signal, None));
    };
    match body::named(name) {
        Some(Compression::None) => Ok((signal, None)),
        Some(encoding) => Ok((signal, Some(encoding))),
        None => {
            let text = format!("grpc-encoding {name:?} is not supported: send identity, gzip, deflate or zstd");
            Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text).grpc(Code::Unimplemented))
        }
    }
}

/// How the one message of a call is encoded; its prefix is taken out of the chunks.
pub(crate) fn message(
    chunks: &mut [Bytes],
    encoding: Option<Compression>,
    limit: usize,
) -> Result<Compression, Refusal> {
    let malformed = |text: String| Err(Refusal::new(StatusCode::BAD_REQUEST, text));
    let mut prefix = [0; Prefix::SIZE];
    let mut read = 0;
    for chunk in &mut *chunks {
        let count = chunk.len().min(Prefix::SIZE - read);
        chunk.copy_to_slice(&mut prefix[read..read + count]);
        read += count;
        if read == Prefix::SIZE {
            break;
        }
    }
    if read < Prefix::SIZE {
        return malformed(format!(
            "the body ends {read} bytes into a gRPC message's prefix of {}",
            Prefix::SIZE
        ));
    }
    let Prefix { flag, length } = Prefix::decode(prefix);
    let length = length as usize;
    if flag > 1 {
        return malformed(format!("a gRPC message begins with 0 or 1, not {flag}"));
    }
    if length > limit {
        return Err(body::too_large("on the wire", limit));
    }
    let encoding = match (flag, encoding) {
        (0, _) => Compression::None,
        (_, Some(encoding)) => encoding,
        (_, None) => {
            let text = "the message's flag says that it is compressed, and no grpc-encoding says how";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, text).grpc(Code::Internal));
        }
    };
    let came = chunks.iter().map(Bytes::len).sum::<usize>();
    if came < length {
        return malformed(format!("the gRPC message should have {length} bytes, and {came} came"));
    }
    if came > length {
        let text = format!(
            "{} bytes came after the one gRPC message of a unary call",
            came - length
        );
        return malformed(text);
    }
    Ok(encoding)
}

/// A message with its prefix, which says that it is as long as `length` if that is more.
pub(crate) fn frame(message: &[u8], length: usize) -> Bytes {
    let length = u32::try_from(length.max(message.len())).unwrap_or(u32::MAX);
    let prefix = Prefix { flag: 0, length }.encode();
    [&prefix, message].concat().into()
}

/// The status of a call, as trailers, or as headers where nothing else comes.
pub(crate) fn status(code: u32, message: &str, retry_delay: Option<Duration>) -> HeaderMap {
    let mut map = HeaderMap::new();
    map.insert(STATUS, code.into());
    if code == 0 {
        return map;
    }
    if let Ok(message) = HeaderValue::from_str(&percent::encode(message)) {
        map.insert(MESSAGE, message);
    }
    if retry_delay.is_some() {
        let mut details = Vec::new();
        RpcStatus {
            code: code.cast_signed(),
            message,
            retry_delay,
        }
        .encode(&mut details);
        if let Ok(details) = HeaderValue::from_str(&base64(&details)) {
            map.insert(DETAILS, details);
        }
    }
    if code == u32::from(Code::Unimplemented.number()) {
        map.insert(ACCEPT_ENCODING, ENCODINGS);
    }
    map
}

/// Without padding, as the specification recommends.
fn base64(bytes: &[u8]) -> String {
    let mut encoded = Vec::new();
    base64::encode(bytes, &mut encoded);
    String::from_utf8_lossy(&encoded).trim_end_matches('=').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(bytes: &[u8], size: usize) -> Vec<Bytes> {
        bytes.chunks(size).map(Bytes::copy_from_slice).collect()
    }

    #[test]
    fn message_is_found_however_it_is_cut() {
        let framed = frame(b"twenty spans, or fewer", 0);
        for size in 1..=framed.len() {
            let mut chunks = chunks(&framed, size);
            assert_eq!(message(&mut chunks, None, 22).expect("valid"), Compression::None);
            assert_eq!(chunks.concat(), b"twenty spans, or fewer");
        }
    }

    #[test]
    fn anything_but_one_whole_message_is_refused() {
        let framed = frame(b"message", 0);
        for length in 0..framed.len() {
            let refusal = message(&mut chunks(&framed[..length], 3), None, 100).expect_err("cut");
            assert_eq!(refusal.code(), Code::InvalidArgument, "cut at {length}");
        }
        let mut twice = framed.to_vec();
        twice.extend_from_slice(&framed);
        let refusal = message(&mut chunks(&twice, 5), None, 100).expect_err("two");
        assert_eq!(refusal.code(), Code::InvalidArgument);
        let refusal = message(&mut chunks(&framed, 5), None, 6).expect_err("too large");
        assert_eq!(refusal.code(), Code::ResourceExhausted);
        let refusal = message(&mut chunks(b"\x02\0\0\0\0", 5), None, 6).expect_err("flag");
        assert_eq!(refusal.code(), Code::InvalidArgument);
    }

    #[test]
    fn compressed_message_needs_an_encoding() {
        let refusal = message(&mut chunks(b"\x01\0\0\0\0", 5), None, 6).expect_err("no encoding");
        assert_eq!(refusal.code(), Code::Internal);
        let encoding = message(&mut chunks(b"\x01\0\0\0\0", 5), Some(Compression::Gzip), 6).expect("valid");
        assert_eq!(encoding, Compression::Gzip);
        let encoding = message(&mut chunks(b"\0\0\0\0\0", 5), Some(Compression::Gzip), 6).expect("valid");
        assert_eq!(encoding, Compression::None);
    }

    #[test]
    fn content_type_may_name_the_form_of_the_message() {
        for (essence, is) in [
            ("application/grpc", true),
            ("Application/GRPC+proto", true),
            ("application/grpc-web", false),
            ("application/grp", false),
            ("application/gRPC+json", true),
        ] {
            assert_eq!(is_content_type(essence), is, "{essence}");
        }
    }

    #[test]
    fn base64_has_no_padding() {
        let texts = ["", "f", "fo", "foo", "foob", "fooba", "foobar"];
        let encoded = texts.map(|text| base64(text.as_bytes()));
        assert_eq!(encoded, ["", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"]);
    }
}
