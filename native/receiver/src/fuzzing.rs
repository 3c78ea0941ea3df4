//! What fuzz targets reach of the server, without its socket. Built by cargo-fuzz only, which sets `cfg(fuzzing)`.
#![allow(missing_docs, clippy::missing_panics_doc)]

use std::cell::RefCell;
use std::future::pending;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use spanwire_wire::Signal;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::Runtime;

use crate::body::{self, InFlight};
use crate::config::Limits;
use crate::consumer::{Consumer, Outcome, Received};
use crate::fault::Fault;
use crate::grpc;
use crate::http::{Shared, handle};
use crate::http2;
use crate::peer::Peer;
use crate::stream::SharedStream;
use spanwire_net::Compression;

/// A body of encoding number `encoding`, which came in pieces of `piece` bytes, decoded; or the status of the refusal.
pub fn decode(encoding: u8, body: &[u8], piece: usize, limit: usize) -> Result<Bytes, u16> {
    let encoding = [
        Compression::None,
        Compression::Gzip,
        Compression::Deflate,
        Compression::Zstd,
    ][usize::from(encoding % 4)];
    let chunks = body.chunks(piece.max(1)).map(Bytes::copy_from_slice).collect();
    body::decode(encoding, chunks, limit).map_err(|refusal| refusal.status.as_u16())
}

/// A message of gRPC behind its prefix, of encoding number `encoding` where its flag says so; or the status's code.
pub fn message(encoding: u8, body: &[u8], piece: usize, limit: usize) -> Result<Bytes, u8> {
    let encodings = [
        None,
        Some(Compression::Gzip),
        Some(Compression::Deflate),
        Some(Compression::Zstd),
    ];
    let mut chunks: Vec<_> = body.chunks(piece.max(1)).map(Bytes::copy_from_slice).collect();
    grpc::message(&mut chunks, encodings[usize::from(encoding % 4)], limit)
        .and_then(|encoding| body::decode(encoding, chunks, limit))
        .map_err(|refusal| refusal.code() as u8)
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub attempts: u64,
    pub requests: u64,
}

/// Counts what comes.
#[derive(Debug, Default)]
struct Counting(Mutex<Counts>);

impl Consumer for Counting {
    type Call = ();

    fn begin(&self, _: Signal) -> Result<(), Box<Fault>> {
        self.0.lock().expect("no panic").attempts += 1;
        Ok(())
    }

    async fn consume(&self, (): (), received: Received) -> Outcome {
        drop(received);
        self.0.lock().expect("no panic").requests += 1;
        Outcome::Taken
    }
}

/// What was counted and what a client sees that sends `input`, in pieces of `piece` bytes, and then closes.
#[must_use]
pub fn connection(input: &[u8], piece: usize) -> (Counts, Vec<u8>) {
    run(input, piece, async |shared, stream, client| {
        let peer = Peer::http1(stream);
        let service = service_fn(|request| handle(Arc::clone(&shared), peer.clone(), request));
        // How it ended concerns the client alone.
        let _ = http1::Builder::new()
            .max_buf_size(8192)
            .serve_connection(TokioIo::new(client), service)
            .await;
    })
}

/// The same of a client that speaks HTTP/2, to the port of gRPC's own or the shared one.
#[must_use]
pub fn connection_http2(input: &[u8], piece: usize, only_grpc: bool) -> (Counts, Vec<u8>) {
    run(input, piece, async |shared, stream, client| {
        http2::serve(client, stream, &shared, only_grpc, pending::<()>()).await;
    })
}

fn run(
    input: &[u8],
    piece: usize,
    serve: impl AsyncFnOnce(Arc<Shared<Counting>>, SharedStream, Client),
) -> (Counts, Vec<u8>) {
    thread_local! {
        static PLACE: RefCell<Option<(Runtime, SharedStream)>> = const { RefCell::new(None) };
    }
    PLACE.with_borrow_mut(|place| {
        let (runtime, stream) = place.get_or_insert_with(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            // Only what a test orders touches the socket itself.
            let stream = runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
                tokio::net::TcpStream::connect(listener.local_addr()?).await
            });
            (runtime, SharedStream::tcp(stream.expect("a socket")))
        });
        let limits = Limits {
            request_bytes: 1 << 16,
            in_flight_bytes: 1 << 17,
            ..Limits::default()
        };
        let shared = Arc::new(Shared {
            limits,
            consumer: Arc::new(Counting::default()),
            in_flight: InFlight::default(),
        });
        let output = Arc::default();
        let client = Client {
            input: input.to_vec(),
            piece: piece.max(1),
            waits: 8,
            output: Arc::clone(&output),
        };
        runtime.block_on(serve(Arc::clone(&shared), stream.clone(), client));
        let output = std::mem::take(&mut *output.lock().expect("no panic"));
        (*shared.consumer.0.lock().expect("no panic"), output)
    })
}

/// A client that has sent everything before it reads, and closes after a while.
struct Client {
    input: Vec<u8>,
    piece: usize,
    waits: u32,
    output: Arc<Mutex<Vec<u8>>>,
}

impl AsyncRead for Client {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let count = self.piece.min(self.input.len()).min(into.remaining());
        if count == 0 && self.waits > 0 {
            self.waits -= 1;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        into.put_slice(&self.input[..count]);
        self.input.drain(..count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Client {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.output.lock().expect("no panic").extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
