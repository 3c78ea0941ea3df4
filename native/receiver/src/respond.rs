//! Answers: what OTLP says for each outcome, in the request's content type.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use hyper::body::{Body, Frame, SizeHint};
use spanwire_wire::response::{PartialSuccess, RpcStatus, TraceResponse};
use tokio::time::Sleep;

use crate::faults::{Disconnect, Fault};

/// The form of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Protobuf,
    Json,
    /// For requests whose content type is neither.
    Text,
}

impl Format {
    /// From the Content-Type header; parameters such as a charset are ignored.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = value.and_then(|value| value.split(';').next()).unwrap_or("").trim();
        if essence.eq_ignore_ascii_case(PROTOBUF) {
            Self::Protobuf
        } else if essence.eq_ignore_ascii_case(JSON) {
            Self::Json
        } else {
            Self::Text
        }
    }

    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Protobuf => PROTOBUF,
            Self::Json => JSON,
            Self::Text => "text/plain; charset=utf-8",
        })
    }
}

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// Why a request is not accepted.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
    retry_after: Option<u32>,
    allow: Option<&'static str>,
    /// The connection can't be used further, since the body was not read to its end.
    close: bool,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            retry_after: None,
            allow: None,
            close: false,
        }
    }

    pub(crate) fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    pub(crate) fn allow(mut self, methods: &'static str) -> Self {
        self.allow = Some(methods);
        self
    }

    pub(crate) fn closing(mut self) -> Self {
        self.close = true;
        self
    }
}

/// The answer to a request that is kept.
pub(crate) fn accepted(format: Format) -> Response<ReplyBody> {
    reply(StatusCode::OK, format, success_body(format, 0, ""))
}

/// The answer to a request that is not.
pub(crate) fn refused(format: Format, refusal: &Refusal) -> Response<ReplyBody> {
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

/// The answer that a test ordered; the disconnects but Truncate are not answers and handled before.
pub(crate) fn faulty(format: Format, fault: &Fault, spans: u64) -> Response<ReplyBody> {
    let status = fault.status.and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.unwrap_or(StatusCode::OK);
    let message = fault.message.as_deref();
    let bytes = match &fault.body {
        Some(garbage) => garbage.clone(),
        None if status.is_success() => success_body(format, fault.rejected.min(spans), message.unwrap_or("")),
        None => status_body(format, status, message.unwrap_or("injected by a test")),
    };
    let mut response = reply(status, format, bytes);
    if let Some(value) = &fault.retry_after
        && let Ok(value) = HeaderValue::from_str(value)
    {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    let body = response.body_mut();
    body.announced = body.announced.max(fault.body_size.unwrap_or(0));
    body.filler = body.announced - body.bytes.len() as u64;
    body.chunk_size = fault.chunk_size.unwrap_or(FILLER.len()).max(1);
    body.chunk_delay = fault.chunk_delay;
    if fault.disconnect == Some(Disconnect::Truncate) {
        // An empty body can't be cut, so one byte more is promised.
        body.bytes.truncate(body.bytes.len() / 2);
        body.filler /= 2;
        body.announced = body.announced.max(1);
    }
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

/// `ExportTraceServiceResponse`.
fn success_body(format: Format, rejected: u64, message: &str) -> Bytes {
    let rejected = i64::try_from(rejected).unwrap_or(i64::MAX);
    if format == Format::Json {
        return spanwire_json::trace_response(rejected, message).into();
    }
    let mut response = Vec::new();
    if rejected != 0 || !message.is_empty() {
        let partial = PartialSuccess {
            rejected_spans: rejected,
            error_message: message,
        };
        TraceResponse {
            partial_success: Some(partial),
        }
        .encode(&mut response);
    }
    response.into()
}

/// `google.rpc.Status`, or its message alone as text.
fn status_body(format: Format, status: StatusCode, message: &str) -> Bytes {
    let code = grpc_code(status);
    match format {
        Format::Json => spanwire_json::rpc_status(code, message).into(),
        Format::Text => format!("{message}\n").into(),
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

/// The google.rpc.Code that fits an HTTP status.
fn grpc_code(status: StatusCode) -> u8 {
    match status.as_u16() {
        400 | 415 => 3,        // INVALID_ARGUMENT
        401 => 16,             // UNAUTHENTICATED
        403 => 7,              // PERMISSION_DENIED
        404 | 405 | 501 => 12, // UNIMPLEMENTED
        408 | 504 => 4,        // DEADLINE_EXCEEDED
        413 | 429 => 8,        // RESOURCE_EXHAUSTED
        500 => 13,             // INTERNAL
        502 | 503 => 14,       // UNAVAILABLE
        _ => 2,                // UNKNOWN
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
        }
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

/// The error that makes hyper end the connection after a cut body.
#[derive(Debug, thiserror::Error)]
#[error("the response is cut, as the test ordered")]
pub(crate) struct CutAsOrdered;

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = CutAsOrdered;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutAsOrdered>>> {
        if self.bytes.is_empty() && self.filler == 0 {
            if self.sent == self.announced {
                return Poll::Ready(None);
            }
            if self.flushed {
                return Poll::Ready(Some(Err(CutAsOrdered)));
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
        self.announced == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.announced - self.sent)
    }
}
