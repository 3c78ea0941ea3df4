//! One request: checked, read, kept, answered. `POST /v1/traces`, or gRPC's `Export` of traces, and nothing else.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;

use crate::body::{self, Encoding, InFlight};
use crate::config::Limits;
use crate::faults::{Disconnect, Fault, Faults};
use crate::grpc;
use crate::peer::{NoAnswer, Peer};
use crate::respond::{self, Format, Refusal, ReplyBody};
use crate::store::{Protocol, ReceivedRequest, Store};

/// What all connections of a server share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) store: Store,
    pub(crate) faults: Faults,
    pub(crate) in_flight: InFlight,
}

/// Answers one request.
pub(crate) async fn handle(
    shared: Arc<Shared>,
    peer: Peer,
    request: Request<Incoming>,
) -> Result<Response<ReplyBody>, NoAnswer> {
    let (head, mut body) = request.into_parts();
    let essence = respond::essence(&head.headers);
    let format = Format::of(essence, head.version);
    let encoding = match check(&head, format, essence, &peer) {
        Ok(encoding) => encoding,
        Err(refusal) => {
            body::discard(&mut body).await;
            return Ok(respond::refused(format, &refusal));
        }
    };
    shared.store.attempt();
    let fault = shared.faults.next();
    if let Some(fault) = &fault
        && let Some(kind) = fault.before_body()
    {
        if !fault.delay.is_zero() {
            tokio::time::sleep(fault.delay).await;
        }
        return Err(peer.disconnect(kind, fault.error_code).await);
    }
    let received = receive(&shared, &head, &mut body, format, encoding).await;
    let Some(fault) = fault else {
        return Ok(match received {
            Ok(request) => {
                shared.store.add(request);
                respond::accepted(format)
            }
            Err(refusal) => respond::refused(format, &refusal),
        });
    };
    misbehave(&shared, &peer, format, received, &fault).await
}

/// How the body is encoded; of gRPC, what is compressed of it, where it says so.
fn check(head: &Parts, format: Format, essence: &str, peer: &Peer) -> Result<Option<Encoding>, Refusal> {
    if format == Format::Grpc {
        return grpc::check(head, essence);
    }
    if peer.only_grpc() {
        let text = "this port is for gRPC alone: send application/grpc over HTTP/2";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    if head.uri.path() != TRACES {
        let text = format!("there is nothing at {:?}: traces go to {TRACES}", head.uri.path());
        return Err(Refusal::new(StatusCode::NOT_FOUND, text));
    }
    if head.method != Method::POST {
        let text = format!("{} is not allowed: use POST", head.method);
        return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, text).allow("POST"));
    }
    if format == Format::Text {
        let text = "unsupported content type: send application/x-protobuf or application/json";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    Encoding::of(&head.headers).map(Some)
}

const TRACES: &str = "/v1/traces";

/// Reads the body to protobuf that is known to be valid.
async fn receive(
    shared: &Shared,
    head: &Parts,
    body: &mut Incoming,
    format: Format,
    encoding: Option<Encoding>,
) -> Result<ReceivedRequest, Refusal> {
    let limit = shared.limits.request_bytes;
    let framing = if format == Format::Grpc { grpc::PREFIX } else { 0 };
    let mut share = shared.in_flight.share();
    let mut chunks = body::read(body, &shared.limits, framing, &mut share).await?;
    let received_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let wire_size = chunks.iter().map(Bytes::len).sum();
    let encoding = if format == Format::Grpc {
        grpc::message(&mut chunks, encoding, limit)?
    } else {
        encoding.unwrap_or(Encoding::Identity)
    };
    let mut body = body::decode(encoding, chunks, limit)?;
    if format == Format::Json {
        let mut converted = Vec::with_capacity(body.len() / 2);
        spanwire_json::traces_to_wire(&body, &mut converted).map_err(malformed)?;
        body = converted.into();
    }
    let spans = spanwire_wire::validate(spanwire_wire::Signal::Traces, &body)
        .map_err(malformed)?
        .items as u64;
    Ok(ReceivedRequest {
        protocol: match format {
            Format::Grpc => Protocol::Grpc,
            Format::Json => Protocol::HttpJson,
            Format::Protobuf | Format::Text => Protocol::HttpProtobuf,
        },
        is_encoded: encoding != Encoding::Identity,
        headers: head.headers.clone(),
        body,
        wire_size,
        received_at: u64::try_from(received_at.as_nanos()).unwrap_or(u64::MAX),
        spans,
        rejected: 0,
    })
}

fn malformed(error: impl std::fmt::Display) -> Refusal {
    let text = format!("the body is not an ExportTraceServiceRequest: {error}");
    Refusal::new(StatusCode::BAD_REQUEST, text)
}

async fn misbehave(
    shared: &Shared,
    peer: &Peer,
    format: Format,
    received: Result<ReceivedRequest, Refusal>,
    fault: &Fault,
) -> Result<Response<ReplyBody>, NoAnswer> {
    if !fault.delay.is_zero() {
        tokio::time::sleep(fault.delay).await;
    }
    let mut spans = 0;
    match received {
        Ok(mut request) => {
            spans = request.spans;
            if fault.is_partial_success() {
                request.rejected = fault.rejected.min(spans);
            }
            if fault.keeps() {
                shared.store.add(request);
            }
        }
        // An answer that says "accepted" must be true, whatever the test ordered beside it.
        Err(refusal) if fault.keeps() => return Ok(respond::refused(format, &refusal)),
        Err(_) => {}
    }
    match fault.disconnect {
        Some(kind) if kind != Disconnect::GoAwayAfter && fault.inside_answer().is_none() => {
            Err(peer.disconnect(kind, fault.error_code).await)
        }
        _ => Ok(respond::faulty(format, fault, spans, peer)),
    }
}
