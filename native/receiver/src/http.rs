//! One request: checked, read, consumed, answered. A POST to a signal's path, or gRPC's `Export`, and nothing else.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use spanwire_net::grpc::Prefix;
use spanwire_wire::{Protocol, Signal};

use crate::body::{self, InFlight};
use crate::config::Limits;
use crate::consumer::{Consumer, Outcome, Received};
use crate::grpc;
use crate::peer::{NoAnswer, Peer};
use crate::refusal::Refusal;
use crate::respond::{self, Format, ReplyBody};
use spanwire_net::Compression;

/// What all connections of a server share.
#[derive(Debug)]
pub(crate) struct Shared<C> {
    pub(crate) limits: Limits,
    pub(crate) consumer: Arc<C>,
    pub(crate) in_flight: InFlight,
}

/// Answers one request.
pub(crate) async fn handle<C: Consumer>(
    shared: Arc<Shared<C>>,
    peer: Peer,
    request: Request<Incoming>,
) -> Result<Response<ReplyBody>, NoAnswer> {
    let (head, mut body) = request.into_parts();
    let essence = respond::essence(&head.headers);
    let format = Format::of(essence, head.version);
    let (signal, encoding) = match check(&head, format, essence, &peer) {
        Ok(checked) => checked,
        Err(refusal) => {
            body::discard(&mut body).await;
            return Ok(respond::refused(format, &refusal));
        }
    };
    let consumer = &shared.consumer;
    let call = match consumer.begin(signal) {
        Ok(call) => call,
        Err(fault) => return Err(peer.disconnect_before_body(&fault).await),
    };
    let form = Form {
        signal,
        format,
        encoding,
    };
    let (outcome, items) = match receive(&shared, &head, &mut body, form, &peer).await {
        Ok(received) => {
            let items = received.items;
            (consumer.consume(call, received).await, items)
        }
        Err(refusal) => (consumer.refuse(call, refusal).await, 0),
    };
    Ok(match outcome {
        Outcome::Taken => respond::accepted(format, signal, 0, ""),
        Outcome::Partial { rejected, message } => respond::accepted(format, signal, rejected, &message),
        Outcome::Later(delay) => respond::refused(format, &Refusal::later(delay)),
        Outcome::Refused(refusal) => respond::refused(format, &refusal),
        Outcome::Faulty(fault) => match fault.instead_of_answer() {
            Some(kind) => return Err(peer.disconnect(kind, fault.error_code).await),
            None => respond::faulty(format, signal, &fault, items, &peer),
        },
    })
}

/// What a request says of its body.
#[derive(Clone, Copy)]
struct Form {
    signal: Signal,
    format: Format,
    /// Of gRPC: how what is compressed of it is encoded.
    encoding: Option<Compression>,
}

/// What is sent, and how the body is encoded; of gRPC, what is compressed of it, where it says so.
fn check(head: &Parts, format: Format, essence: &str, peer: &Peer) -> Result<(Signal, Option<Compression>), Refusal> {
    if format == Format::Grpc {
        return grpc::check(head, essence);
    }
    if peer.only_grpc() {
        let text = "this port is for gRPC alone: send application/grpc over HTTP/2";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    let Some(signal) = Signal::from_path(head.uri.path()) else {
        let [traces, logs, metrics, profiles] = Signal::ALL.map(Signal::path);
        let text = format!(
            "there is nothing at {:?}: send traces to {traces}, logs to {logs}, metrics to {metrics}, profiles to {profiles}",
            head.uri.path(),
        );
        return Err(Refusal::new(StatusCode::NOT_FOUND, text));
    };
    if head.method != Method::POST {
        let text = format!("{} is not allowed: use POST", head.method);
        return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, text).allow("POST"));
    }
    if format == Format::Text {
        let text = "unsupported content type: send application/x-protobuf or application/json";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    Ok((signal, Some(body::encoding(&head.headers)?)))
}

/// Reads the body to protobuf that is known to be valid.
async fn receive<C>(
    shared: &Shared<C>,
    head: &Parts,
    body: &mut Incoming,
    form: Form,
    peer: &Peer,
) -> Result<Received, Refusal> {
    let Form {
        signal,
        format,
        encoding,
    } = form;
    let limit = shared.limits.request_bytes;
    let framing = if format == Format::Grpc { Prefix::SIZE } else { 0 };
    let mut share = shared.in_flight.share();
    let mut chunks = body::read(body, &shared.limits, framing, &mut share).await?;
    let received_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let wire_size = chunks.iter().map(Bytes::len).sum();
    let encoding = if format == Format::Grpc {
        grpc::message(&mut chunks, encoding, limit)?
    } else {
        encoding.unwrap_or(Compression::None)
    };
    let mut body = body::decode(encoding, chunks, limit)?;
    if format == Format::Json {
        let mut converted = Vec::with_capacity(body.len() / 2);
        spanwire_json::to_wire(signal, &body, &mut converted).map_err(|error| malformed(signal, &error))?;
        body = converted.into();
    }
    let counts = spanwire_wire::validate(signal, &body).map_err(|error| malformed(signal, &error))?;
    Ok(Received {
        signal,
        protocol: match format {
            Format::Grpc => Protocol::Grpc,
            Format::Json => Protocol::HttpJson,
            Format::Protobuf | Format::Text => Protocol::HttpProtobuf,
        },
        is_encoded: encoding != Compression::None,
        headers: head.headers.clone(),
        body,
        wire_size,
        received_at: u64::try_from(received_at.as_nanos()).unwrap_or(u64::MAX),
        items: counts.points as u64,
        peer: peer.address(),
    })
}

fn malformed(signal: Signal, error: &dyn std::fmt::Display) -> Refusal {
    let name = match signal {
        Signal::Traces => "ExportTraceServiceRequest",
        Signal::Logs => "ExportLogsServiceRequest",
        Signal::Metrics => "ExportMetricsServiceRequest",
        Signal::Profiles => "ExportProfilesServiceRequest",
    };
    Refusal::new(StatusCode::BAD_REQUEST, format!("the body is not an {name}: {error}"))
}
