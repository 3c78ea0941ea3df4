//! One request: checked, read, kept, answered. `POST /v1/traces` and nothing else.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;

use crate::body::{self, Encoding, InFlight};
use crate::config::Limits;
use crate::faults::{Disconnect, Fault, Faults};
use crate::respond::{self, Format, Refusal, ReplyBody};
use crate::store::{ReceivedRequest, Store};
use crate::stream::SharedStream;

/// What all connections of a server share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) store: Store,
    pub(crate) faults: Faults,
    pub(crate) in_flight: InFlight,
}

/// The error that makes hyper drop the connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("no answer, as the test ordered")]
pub(crate) struct NoAnswer;

/// Answers one request.
pub(crate) async fn handle(
    shared: Arc<Shared>,
    connection: SharedStream,
    request: Request<Incoming>,
) -> Result<Response<ReplyBody>, NoAnswer> {
    let format = Format::of(request.headers());
    let (head, mut body) = request.into_parts();
    let encoding = match check(&head, format) {
        Ok(encoding) => encoding,
        Err(refusal) => {
            body::discard(&mut body).await;
            return Ok(respond::refused(format, &refusal));
        }
    };
    shared.store.attempt();
    let fault = shared.faults.next();
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
    misbehave(&shared, &connection, format, received, &fault).await
}

fn check(head: &http::request::Parts, format: Format) -> Result<Encoding, Refusal> {
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
    Encoding::of(&head.headers)
}

const TRACES: &str = "/v1/traces";

/// Reads the body to protobuf that is known to be valid.
async fn receive(
    shared: &Shared,
    head: &http::request::Parts,
    body: &mut Incoming,
    format: Format,
    encoding: Encoding,
) -> Result<ReceivedRequest, Refusal> {
    let mut share = shared.in_flight.share();
    let chunks = body::read(body, &shared.limits, &mut share).await?;
    let received_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let wire_size = chunks.iter().map(Bytes::len).sum();
    let mut body = body::decode(encoding, chunks, shared.limits.request_bytes)?;
    if format == Format::Json {
        let mut converted = Vec::with_capacity(body.len() / 2);
        spanwire_json::traces_to_wire(&body, &mut converted).map_err(malformed)?;
        body = converted.into();
    }
    let spans = spanwire_wire::validate(&body).map_err(malformed)?.spans as u64;
    Ok(ReceivedRequest {
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
    connection: &SharedStream,
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
        None | Some(Disconnect::Truncate) => Ok(respond::faulty(format, fault, spans)),
        Some(Disconnect::Close) => Err(NoAnswer),
        Some(Disconnect::Reset) => {
            // Fails only on a connection that is gone already.
            let _ = connection.reset_on_close();
            Err(NoAnswer)
        }
        Some(Disconnect::HalfClose) => {
            let _ = connection.half_close();
            // hyper drops this when the client closes.
            tokio::time::sleep(HALF_CLOSED_TIME).await;
            Err(NoAnswer)
        }
    }
}

const HALF_CLOSED_TIME: Duration = Duration::from_secs(60);
