//! What fuzz targets reach of the client, without a socket. Built by cargo-fuzz only, which sets `cfg(fuzzing)`.
#![allow(missing_docs, clippy::missing_panics_doc)]

use spanwire_wire::Signal;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::runtime::Runtime;

use crate::config::{Config, TlsFiles};
use crate::destination::{Accepted, Request};
use crate::error::SendError;
use crate::{Compression, GrpcDestination, HttpDestination, Protocol};

/// What no answer may make us say: of the headers and of the query, as sent and as decoded.
pub const SECRETS: [&str; 4] = ["t0ken-of-ours", "hunter2-key", "q%75ery-key", "query-key"];

/// What is made of a backend's answer over HTTP, which consists of these bytes, to a request with secrets.
pub fn answer(bytes: &[u8]) -> Result<Accepted, SendError> {
    thread_local!(static PLACE: Place = place(Protocol::HttpProtobuf));
    PLACE.with(|(runtime, config)| {
        let destination = HttpDestination::new(Arc::clone(config));
        runtime.block_on(answered(b"", bytes, async |stream, request| {
            destination.attempt_over(stream, request).await
        }))
    })
}

/// The same over gRPC, by a server that waits for the call.
pub fn answer_grpc(bytes: &[u8]) -> Result<Accepted, SendError> {
    thread_local!(static PLACE: Place = place(Protocol::Grpc));
    PLACE.with(|(runtime, config)| {
        let destination = GrpcDestination::new(Arc::clone(config));
        runtime.block_on(answered(BODY, bytes, async |stream, request| {
            destination.attempt_over(stream, request).await
        }))
    })
}

/// What is made of a call's end: three lines of status, message and details, and a body.
pub fn trailers_grpc(bytes: &[u8]) -> Result<Accepted, SendError> {
    thread_local!(static PLACE: Place = place(Protocol::Grpc));
    PLACE.with(|(runtime, config)| {
        let mut parts = bytes.splitn(4, |&byte| byte == b'\n');
        let mut trailers = HeaderMap::new();
        for name in ["grpc-status", "grpc-message", "grpc-status-details-bin"] {
            if let Some(Ok(value)) = parts.next().map(HeaderValue::from_bytes) {
                trailers.insert(name, value);
            }
        }
        runtime.block_on(crate::grpc::judge(trailers, parts.next().unwrap_or_default(), config))
    })
}

type Place = (Runtime, Arc<Config>);

fn place(protocol: Protocol) -> Place {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let headers = [
        ("authorization".to_owned(), b"Bearer t0ken-of-ours".to_vec()),
        ("x-key".to_owned(), b"hunter2-key".to_vec()),
    ];
    let url = "http://h:1/?key=q%75ery-key";
    let config = Config::new(protocol, url, &headers, Compression::None, &TlsFiles::default());
    (runtime.expect("a runtime"), Arc::new(config.expect("valid")))
}

/// What ends a request.
const BODY: &[u8] = b"spans";

async fn answered(
    awaited: &[u8],
    bytes: &[u8],
    attempt: impl AsyncFn(DuplexStream, &Request) -> Result<Accepted, SendError>,
) -> Result<Accepted, SendError> {
    let (client, mut server) = duplex(1 << 16);
    let request = Request {
        signal: Signal::Traces,
        body: Bytes::from_static(BODY),
        items: 1,
    };
    let answering = async {
        let mut heard = Vec::new();
        while !heard.ends_with(awaited) && matches!(server.read_buf(&mut heard).await, Ok(1..)) {}
        let _ = server.write_all(bytes).await; // fails when the client has seen enough
        let _ = server.shutdown().await;
        // Kept open until the client is done: it has its request to write.
        std::future::pending::<()>().await;
    };
    match spanwire_net::race::race(attempt(client, &request), answering).await {
        spanwire_net::race::Either::First(answer) => answer,
        spanwire_net::race::Either::Second(()) => Err(SendError::Shutdown),
    }
}
