//! Answers: what OTLP says for each outcome, in the request's content type.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, Version, header};
use hyper::body::{Body, Frame, SizeHint};
use spanwire_wire::Signal;
use spanwire_wire::answer::{ExportAnswer, RpcStatus};
use tokio::time::Sleep;

use crate::fault::{Disconnect, Fault};
use crate::grpc;
use crate::peer::{NoAnswer, Peer};
use crate::refusal::Refusal;
use spanwire_net::grpc::{Code, Prefix};

/// The form of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Protobuf,
    Json,
    /// Messages of gRPC, on HTTP/2 only.
    Grpc,
    /// For requests whose content type is none of these.
    Text,
}

impl Format {
    /// From the Content-Type header's [`essence`].
    pub(crate) fn of(essence: &str, version: Version) -> Self {
        if essence.eq_ignore_ascii_case(PROTOBUF) {
            Self::Protobuf
        } else if essence.eq_ignore_ascii_case(JSON) {
            Self::Json
        } else if version == Version::HTTP_2 && grpc::is_content_type(essence) {
            Self::Grpc
        } else {
            Self::Text
        }
    }

    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Protobuf => PROTOBUF,
            Self::Json => JSON,
            Self::Grpc => grpc::CONTENT_TYPE,
            Self::Text => "text/plain; charset=utf-8",
        })
    }
}

/// The Content-Type without its parameters, such as a charset.
pub(crate) fn essence(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.and_then(|value| value.split(';').next()).unwrap_or("").trim()
}

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// The answer to a request that is accepted, but for `rejected` items.
pub(crate) fn accepted(format: Format, signal: Signal, rejected: u64, message: &str) -> Response<ReplyBody> {
    let mut response = reply(StatusCode::OK, format, success_body(format, signal, rejected, message));
    if format == Format::Grpc {
        response.body_mut().trailers = Some(grpc::status(0, "", None));
    }
    response
}

/// The answer to a request that is not.
pub(crate) fn refused(format: Format, refusal: &Refusal) -> Response<ReplyBody> {
    if format == Format::Grpc {
        let delay = refusal.retry_after.map(|seconds| Duration::from_secs(seconds.into()));
        return trailers_only(grpc::status(refusal.code().number().into(), &refusal.message, delay));
    }
    let body = status_body(format, refusal.status, &refusal.message);
    let mut response = reply(refusal.status, format, body);
    let headers = response.headers_mut();
    if let Some(seconds) = refusal.retry_after {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    if let Some(methods) = refusal.allow {
        headers.insert(header::ALLOW, HeaderValue::from_static(methods));
    }
    if refusal.close {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The answer that a test ordered, cut where the connection is to end inside it.
pub(crate) fn faulty(format: Format, signal: Signal, fault: &Fault, items: u64, peer: &Peer) -> Response<ReplyBody> {
    let mut response = match format {
        Format::Grpc if fault.status.is_none() => faulty_grpc(fault, items),
        _ => faulty_http(format, signal, fault, items),
    };
    if let Some(value) = &fault.content_type
        && let Ok(value) = HeaderValue::from_str(value)
    {
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    let body = response.body_mut();
    body.chunk_size = fault.chunk_size.unwrap_or(FILLER.len()).max(1);
    body.chunk_delay = fault.chunk_delay;
    if let Some(kind) = fault.inside_answer() {
        // An empty body can't be cut, so one byte more is promised.
        let sent = u64::midpoint(body.bytes.len() as u64, body.filler);
        body.bytes.truncate(usize::try_from(sent).unwrap_or(usize::MAX));
        body.filler = sent - body.bytes.len() as u64;
        body.announced = body.announced.max(1);
        body.end = Some((peer.clone(), kind, fault.error_code));
    }
    if fault.disconnect == Some(Disconnect::GoAwayAfter) {
        peer.go_away(fault.error_code);
        if !peer.is_http2() {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
    }
    response
}

fn faulty_http(format: Format, signal: Signal, fault: &Fault, items: u64) -> Response<ReplyBody> {
    // Who answers a call of gRPC with a status of HTTP is no gRPC server but a proxy before it.
    let format = if format == Format::Grpc { Format::Text } else { format };
    let status = fault.status.and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.unwrap_or(StatusCode::OK);
    let message = fault.message.as_deref();
    let bytes = match &fault.body {
        Some(garbage) => garbage.clone(),
        None if status.is_success() => success_body(format, signal, fault.rejected.min(items), message.unwrap_or("")),
        None => status_body(format, status, message.unwrap_or(INJECTED)),
    };
    let mut response = reply(status, format, bytes);
    if let Some(value) = &fault.retry_after
        && let Ok(value) = HeaderValue::from_str(value)
    {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response.body_mut().fill(fault.body_size.unwrap_or(0));
    response
}

fn faulty_grpc(fault: &Fault, items: u64) -> Response<ReplyBody> {
    let code = fault.grpc_status.unwrap_or(0);
    let message = fault.message.as_deref();
    let status = grpc::status(code, message.unwrap_or(INJECTED), fault.retry_delay);
    if code != 0 && fault.body.is_none() && fault.body_size.is_none() && fault.inside_answer().is_none() {
        return trailers_only(status);
    }
    let size = fault.body_size.unwrap_or(0);
    let bytes = fault.body.clone().unwrap_or_else(|| {
        let message = success_message(fault.rejected.min(items), message.filter(|_| code == 0).unwrap_or(""));
        let filled = usize::try_from(size).unwrap_or(usize::MAX);
        grpc::frame(&message, filled.saturating_sub(Prefix::SIZE))
    });
    let mut response = reply(StatusCode::OK, Format::Grpc, bytes);
    let body = response.body_mut();
    body.fill(size);
    body.trailers = Some(status);
    response
}

const INJECTED: &str = "injected by a test";

/// An answer of gRPC that has no message: its status is in the headers.
fn trailers_only(status: HeaderMap) -> Response<ReplyBody> {
    let mut response = reply(StatusCode::OK, Format::Grpc, Bytes::new());
    response.headers_mut().extend(status);
    response
}

fn reply(status: StatusCode, format: Format, bytes: Bytes) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::new(bytes));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, format.content_type());
    response
}

/// The signal's response: its protobuf is the same for all signals.
fn success_body(format: Format, signal: Signal, rejected: u64, message: &str) -> Bytes {
    match format {
        Format::Json => spanwire_json::response(signal, signed(rejected), message).into(),
        Format::Grpc => grpc::frame(&success_message(rejected, message), 0),
        Format::Protobuf | Format::Text => success_message(rejected, message).into(),
    }
}

fn success_message(rejected: u64, message: &str) -> Vec<u8> {
    let mut response = Vec::new();
    let answer = ExportAnswer {
        rejected: signed(rejected),
        message: message.into(),
    };
    answer.encode(&mut response);
    response
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// `google.rpc.Status`, or its message alone as text.
fn status_body(format: Format, status: StatusCode, message: &str) -> Bytes {
    let code = Code::of_http(status.as_u16()).number();
    match format {
        Format::Json => spanwire_json::rpc_status(code, message).into(),
        Format::Text | Format::Grpc => format!("{message}\n").into(),
        Format::Protobuf => {
            let mut bytes = Vec::new();
            RpcStatus {
                code: code.into(),
                message,
                retry_delay: None,
            }
            .encode(&mut bytes);
            bytes.into()
        }
    }
}

/// A body that can be filled up, slowed down and cut: it promises `announced` bytes and fails if it has fewer.
#[derive(Debug)]
pub(crate) struct ReplyBody {
    bytes: Bytes,
    filler: u64,
    announced: u64,
    chunk_size: usize,
    chunk_delay: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    sent: u64,
    flushed: bool,
    trailers: Option<HeaderMap>,
    /// What happens where the body is cut; an error, by default.
    end: Option<(Peer, Disconnect, u32)>,
}

impl ReplyBody {
    fn new(bytes: Bytes) -> Self {
        Self {
            announced: bytes.len() as u64,
            bytes,
            filler: 0,
            chunk_size: usize::MAX,
            chunk_delay: Duration::ZERO,
            sleep: None,
            sent: 0,
            flushed: false,
            trailers: None,
            end: None,
        }
    }

    /// Fills it up to `size` bytes.
    fn fill(&mut self, size: u64) {
        self.announced = self.announced.max(size);
        self.filler = self.announced - self.bytes.len() as u64;
    }

    fn next_chunk(&mut self) -> Bytes {
        if self.bytes.is_empty() {
            let most = self.chunk_size.min(FILLER.len());
            let length = usize::try_from(self.filler).map_or(most, |filler| filler.min(most));
            self.filler -= length as u64;
            Bytes::from_static(&FILLER[..length])
        } else {
            self.bytes.split_to(self.chunk_size.min(self.bytes.len()))
        }
    }
}

/// Harmless to a reader of JSON or text, and no field of any protobuf message.
static FILLER: [u8; 16 << 10] = [b' '; 16 << 10];

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = NoAnswer;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, NoAnswer>>> {
        if self.bytes.is_empty() && self.filler == 0 {
            if self.sent == self.announced {
                return Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))));
            }
            if self.flushed {
                // Once it is begun, the connection ends it, or the client.
                let ended = self.end.take().and_then(|(peer, kind, code)| peer.begin(kind, code));
                return ended.map_or(Poll::Pending, |error| Poll::Ready(Some(Err(error))));
            }
            // Pending once, so that hyper sends what it has before it hears of the error.
            self.flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if !self.chunk_delay.is_zero() {
            let delay = self.chunk_delay;
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(delay)));
            std::task::ready!(sleep.as_mut().poll(context));
            self.sleep = None;
        }
        let chunk = self.next_chunk();
        self.sent += chunk.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.announced == 0 && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        if self.trailers.is_some() {
            // An exact one would become a Content-Length, which answers of gRPC do not have.
            return SizeHint::new();
        }
        SizeHint::with_exact(self.announced - self.sent)
    }
}
