//! Against a server of h2's on real sockets, whose behaviour a test writes down.

use spanwire_wire::Signal;
use std::net::SocketAddr;

use bytes::Bytes;
use h2::server::{Connection, SendResponse};
use h2::{Reason, RecvStream};
use http::{HeaderMap, Response};
use spanwire_wire::answer::{ExportAnswer, RpcStatus};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::config::TlsFiles;
use spanwire_net::Compression;
use spanwire_wire::Protocol;

type Call = (http::Request<RecvStream>, SendResponse<Bytes>);

fn run<F: Future>(test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("runtime").block_on(test)
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let address = listener.local_addr().expect("bound");
    (listener, address)
}

fn destination(address: SocketAddr, compression: Compression) -> GrpcDestination {
    let headers = [
        ("x-key".to_owned(), b"hunter2-key".to_vec()),
        ("user-agent".to_owned(), b"ours".to_vec()),
    ];
    let url = format!("http://{address}");
    let config = Config::new(Protocol::Grpc, &url, &headers, compression, &TlsFiles::default()).expect("valid");
    GrpcDestination::new(Arc::new(config))
}

fn request() -> Request {
    Request {
        signal: Signal::Traces,
        body: Bytes::from_static(b"spans"),
        items: 1,
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

async fn attempt(destination: &GrpcDestination) -> (Result<Accepted, SendError>, Tally) {
    let tally = Tally::default();
    (destination.attempt(&request(), soon(), &tally).await, tally)
}

async fn accept(listener: &TcpListener) -> Connection<TcpStream, Bytes> {
    let (stream, _) = listener.accept().await.expect("accept");
    h2::server::handshake(stream).await.expect("HTTP/2")
}

/// The next call with the whole of its body.
async fn next(connection: &mut Connection<TcpStream, Bytes>) -> Option<(Call, Vec<u8>)> {
    let (mut request, respond) = connection.accept().await?.ok()?;
    let body = request.body_mut();
    let mut bytes = Vec::new();
    // The connection must be driven for the body to come.
    loop {
        let data = std::future::poll_fn(|task| {
            if let std::task::Poll::Ready(data) = body.poll_data(task) {
                return std::task::Poll::Ready(data);
            }
            let _ = connection.poll_closed(task);
            body.poll_data(task)
        });
        match data.await {
            Some(Ok(data)) => bytes.extend_from_slice(&data),
            _ => return Some(((request, respond), bytes)),
        }
    }
}

fn head(pairs: &[(&'static str, &str)]) -> Response<()> {
    let mut response = Response::new(());
    for (name, value) in pairs {
        response.headers_mut().insert(*name, value.parse().expect("a value"));
    }
    response
}

fn trailers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    head(pairs).into_parts().0.headers
}

const GRPC: (&str, &str) = ("content-type", "application/grpc");

fn answer(mut respond: SendResponse<Bytes>, message: &[u8], status: &[(&'static str, &str)]) {
    let mut body = vec![0, 0, 0, 0];
    body.push(u8::try_from(message.len()).expect("short"));
    body.extend_from_slice(message);
    let mut stream = respond.send_response(head(&[GRPC]), false).expect("sent");
    stream.send_data(body.into(), false).expect("sent");
    stream.send_trailers(trailers(status)).expect("sent");
}

/// Serves every connection: each call is given to `serve`.
fn serving(listener: TcpListener, mut serve: impl FnMut(Call, Vec<u8>) + Send + 'static) {
    tokio::spawn(async move {
        loop {
            let mut connection = accept(&listener).await;
            while let Some((call, body)) = next(&mut connection).await {
                serve(call, body);
            }
        }
    });
}

/// What is made of an answer that `serve` gives.
fn answered(serve: impl FnMut(Call, Vec<u8>) + Send + 'static) -> Result<Accepted, SendError> {
    run(async {
        let (listener, address) = listen().await;
        serving(listener, serve);
        attempt(&destination(address, Compression::None)).await.0
    })
}

fn refused(pairs: &'static [(&'static str, &'static str)]) -> SendError {
    answered(|(_, mut respond), _| {
        respond.send_response(head(pairs), true).expect("sent");
    })
    .expect_err("refused")
}

#[test]
fn a_call_is_what_grpc_says_and_connections_are_kept() {
    run(async {
        let (listener, address) = listen().await;
        let (seen, mut calls) = tokio::sync::mpsc::unbounded_channel();
        serving(listener, move |(request, respond), body| {
            seen.send((request.into_parts().0, body)).expect("heard");
            answer(respond, &[], &[("grpc-status", "0")]);
        });
        let destination = destination(address, Compression::Gzip);
        let (first, tally) = attempt(&destination).await;
        assert_eq!(first.expect("taken"), Accepted::default());
        assert_eq!((tally.connections(), tally.requests(), tally.bytes()), (1, 1, 10));
        let (second, tally) = attempt(&destination).await;
        assert_eq!((second.expect("taken"), tally.connections()), (Accepted::default(), 0));
        let (head, body) = calls.recv().await.expect("heard");
        assert_eq!(body, b"\x01\0\0\0\x05spans"); // the flag says what the body of a request is, here compressed
        assert_eq!(
            head.uri.to_string(),
            format!("http://{address}{}", Signal::Traces.method())
        );
        for signal in Signal::ALL {
            let one = Request { signal, ..request() };
            let soon = Instant::now() + Duration::from_secs(9);
            destination.attempt(&one, soon, &Tally::default()).await.expect("taken");
        }
        let _second = calls.recv().await.expect("heard");
        for signal in Signal::ALL {
            assert_eq!(calls.recv().await.expect("heard").0.uri.path(), signal.method());
        }
        assert_eq!(head.method, Method::POST);
        for (name, value) in [
            ("content-type", "application/grpc"),
            ("te", "trailers"),
            ("grpc-encoding", "gzip"),
            ("grpc-accept-encoding", "identity"),
            ("user-agent", "ours"),
            ("x-key", "hunter2-key"),
        ] {
            assert_eq!(head.headers[name], value);
        }
        assert!(!head.headers.contains_key("content-length") && !head.headers.contains_key("host"));
        let left = head.headers["grpc-timeout"].to_str().expect("text");
        let millis: u64 = left.strip_suffix('m').expect("milliseconds").parse().expect("a number");
        assert!((30_000..=60_000).contains(&millis), "{left}");
    });
}

#[test]
fn a_partial_success_is_read() {
    let accepted = answered(|(_, respond), _| {
        let mut message = Vec::new();
        ExportAnswer {
            rejected: 3,
            message: "no: hunter2-key".into(),
        }
        .encode(&mut message);
        answer(respond, &message, &[("grpc-status", "0")]);
    });
    let expected = Accepted {
        rejected: 3,
        message: Some("no: ***".into()),
        unreadable: false,
    };
    assert_eq!(accepted.expect("taken"), expected);
}

#[test]
fn trailers_alone_refuse_a_call() {
    let error = refused(&[GRPC, ("grpc-status", "3"), ("grpc-message", "bad%20hunter2-key")]);
    assert_eq!(error.to_string(), "gRPC status INVALID_ARGUMENT: bad ***");
    assert!(!error.is_retryable());
    assert!(refused(&[GRPC, ("grpc-status", "14")]).is_retryable());
    assert!(
        refused(&[GRPC, ("grpc-status", "16")])
            .to_string()
            .contains("credentials")
    );
}

#[test]
fn a_retry_info_is_the_hint_and_makes_an_exhausted_resource_retryable() {
    for (delay, is_retryable) in [(Some(Duration::from_millis(1_500)), true), (None, false)] {
        let error = answered(move |(_, mut respond), _| {
            let (mut details, mut text) = (Vec::new(), Vec::new());
            RpcStatus {
                code: 8,
                message: "full",
                retry_delay: delay,
            }
            .encode(&mut details);
            spanwire_json::base64::encode(&details, &mut text);
            let text = String::from_utf8(text).expect("ASCII");
            let pairs = [
                GRPC,
                ("grpc-status", "8"),
                ("grpc-status-details-bin", text.trim_end_matches('=')),
            ];
            respond.send_response(head(&pairs), true).expect("sent");
        })
        .expect_err("refused");
        assert_eq!(error.to_string(), "gRPC status RESOURCE_EXHAUSTED: full");
        assert_eq!((error.hint(), error.is_retryable()), (delay, is_retryable));
    }
}

#[test]
fn a_message_over_a_limit_of_the_server_is_known_by_its_words() {
    for (code, words) in [
        (
            "8",
            "grpc: received message after decompression larger than max 4194304",
        ),
        ("8", "CLIENT: Received message larger than max (9 vs. 4)"),
        ("8", "gRPC message exceeds maximum size 4194304: 5000000"),
        ("8", "Received message exceeds the maximum configured message size."),
        (
            "11",
            "Error, decoded message length too large: found 9 bytes, the limit is: 4 bytes",
        ),
    ] {
        let error = SendError::Rpc {
            code: Code::from_text(code),
            message: words.into(),
            retry_delay: None,
        };
        assert!(error.is_too_large() && !error.is_retryable(), "{words}");
    }
    let other = SendError::Rpc {
        code: Code::OutOfRange,
        message: "past the end".into(),
        retry_delay: None,
    };
    assert!(!other.is_too_large() && other.is_retryable());
}

#[test]
fn an_answer_that_is_not_grpc_is_judged_by_its_status() {
    let status = |code: u16, pairs: &'static [(&'static str, &'static str)]| {
        answered(move |(_, mut respond), _| {
            let mut response = head(pairs);
            *response.status_mut() = code.try_into().expect("a status");
            let mut body = respond.send_response(response, false).expect("sent");
            body.send_data(Bytes::from_static(b"<h1>no</h1>"), true).expect("sent");
        })
        .expect_err("refused")
    };
    let busy = status(503, &[("content-type", "text/html"), ("retry-after", "7")]);
    assert_eq!((busy.is_retryable(), busy.hint()), (true, Some(Duration::from_secs(7))));
    assert!(busy.to_string().starts_with("status 503: <h1>no</h1>; "), "{busy}");
    assert!(!status(404, &[]).is_retryable());
    let page = status(200, &[("content-type", "text/html")]);
    assert!(
        !page.is_retryable() && page.to_string().contains("not gRPC (content-type text/html)"),
        "{page}"
    );
}

#[test]
fn an_answer_without_a_status_or_without_a_message_is_told() {
    let error = answered(|(_, mut respond), _| {
        respond.send_response(head(&[GRPC]), true).expect("sent");
    });
    assert!(error.expect_err("no status").to_string().contains("without a status"));
    let accepted = answered(|(_, mut respond), _| {
        respond
            .send_response(head(&[GRPC, ("grpc-status", "0")]), true)
            .expect("sent");
    });
    assert!(accepted.expect("taken").unreadable);
}

#[test]
fn an_endless_answer_is_not_read_to_its_end() {
    run(async {
        let (listener, address) = listen().await;
        tokio::spawn(async move {
            let mut connection = accept(&listener).await;
            let ((_, mut respond), _) = next(&mut connection).await.expect("a call");
            let mut body = respond.send_response(head(&[GRPC]), false).expect("sent");
            body.send_data(Bytes::from(vec![0; 5 << 20]), false).expect("sent");
            while next(&mut connection).await.is_some() {}
        });
        let (answer, _) = attempt(&destination(address, Compression::None)).await;
        assert!(matches!(answer, Err(SendError::ResponseTooLarge { .. })), "{answer:?}");
    });
}

#[test]
fn a_call_that_is_sent_away_goes_over_another_connection_at_once() {
    for reason in [Reason::NO_ERROR, Reason::ENHANCE_YOUR_CALM] {
        run(async {
            let (listener, address) = listen().await;
            tokio::spawn(async move {
                let mut first = accept(&listener).await;
                let ((_, respond), _) = next(&mut first).await.expect("a call");
                answer(respond, &[], &[("grpc-status", "0")]);
                if reason == Reason::NO_ERROR {
                    first.graceful_shutdown(); // before the second call
                } else {
                    let _unanswered = next(&mut first).await;
                    first.abrupt_shutdown(reason);
                }
                tokio::spawn(async move { while next(&mut first).await.is_some() {} });
                let mut second = accept(&listener).await;
                while let Some(((_, respond), _)) = next(&mut second).await {
                    answer(respond, &[], &[("grpc-status", "0")]);
                }
            });
            let destination = destination(address, Compression::None);
            attempt(&destination).await.0.expect("taken");
            let (answer, tally) = attempt(&destination).await;
            assert_eq!(answer.expect("taken"), Accepted::default());
            assert_eq!(tally.connections(), 1);
        });
    }
}

#[test]
fn resets_are_told_apart() {
    run(async {
        let (listener, address) = listen().await;
        let mut reasons = [
            Reason::REFUSED_STREAM,
            Reason::REFUSED_STREAM,
            Reason::INTERNAL_ERROR,
            Reason::PROTOCOL_ERROR,
        ]
        .into_iter();
        serving(listener, move |(_, mut respond), _| match reasons.next() {
            Some(reason) => respond.send_reset(reason),
            None => answer(respond, &[], &[("grpc-status", "0")]),
        });
        let destination = destination(address, Compression::None);
        // Refused twice: once for free, then by the back-off.
        let (answer, tally) = attempt(&destination).await;
        assert!(answer.expect_err("refused").is_retryable());
        assert_eq!(tally.requests(), 2);
        let (answer, _) = attempt(&destination).await;
        assert!(answer.expect_err("reset").is_retryable());
        let error = attempt(&destination).await.0.expect_err("reset");
        assert!(
            !error.is_retryable() && error.to_string().starts_with("gRPC status INTERNAL"),
            "{error}"
        );
        attempt(&destination).await.0.expect("taken");
    });
}

#[test]
fn an_answer_that_breaks_off_without_an_error_code_is_lost_and_one_that_ends_is_not() {
    let broken_off = run(async {
        let (listener, address) = listen().await;
        tokio::spawn(async move {
            let mut connection = accept(&listener).await;
            let ((_, mut respond), _) = next(&mut connection).await.expect("a call");
            let mut body = respond.send_response(head(&[GRPC]), false).expect("sent");
            body.send_data(Bytes::from_static(&[0; 5]), false).expect("sent");
            // Long enough for these to go: a reset would overtake them.
            let _ = tokio::time::timeout(Duration::from_millis(50), next(&mut connection)).await;
            body.send_reset(Reason::NO_ERROR);
            while next(&mut connection).await.is_some() {}
        });
        attempt(&destination(address, Compression::None)).await.0
    });
    assert!(matches!(broken_off, Err(SendError::Lost(_))), "{broken_off:?}");
    let ended = answered(|(_, mut respond), _| {
        let mut body = respond.send_response(head(&[GRPC]), false).expect("sent");
        body.send_data(Bytes::from_static(&[0; 5]), true).expect("sent");
    });
    assert!(matches!(ended, Err(SendError::Rpc { .. })), "{ended:?}");
}

#[test]
fn a_server_that_restarts_between_two_calls_is_not_noticed() {
    run(async {
        let (listener, address) = listen().await;
        tokio::spawn(async move {
            for _ in 0..2 {
                let mut connection = accept(&listener).await;
                let ((_, respond), _) = next(&mut connection).await.expect("a call");
                answer(respond, &[], &[("grpc-status", "0")]);
                // Long enough for the answer to go; then the connection breaks.
                let _ = tokio::time::timeout(Duration::from_millis(50), next(&mut connection)).await;
            }
        });
        let destination = destination(address, Compression::None);
        attempt(&destination).await.0.expect("taken");
        tokio::time::sleep(Duration::from_millis(80)).await;
        attempt(&destination).await.0.expect("taken");
    });
}

#[test]
fn a_peer_that_is_gone_without_a_word_is_found_out_by_a_ping() {
    run(async {
        let (listener, address) = listen().await;
        let held = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.expect("accept");
            let mut first = h2::server::handshake(stream).await.expect("HTTP/2");
            let ((_, respond), _) = next(&mut first).await.expect("a call");
            answer(respond, &[], &[("grpc-status", "0")]);
            let _ = tokio::time::timeout(Duration::from_millis(50), next(&mut first)).await;
            // From now on nobody reads it.
            let mut second = accept(&listener).await;
            while let Some(((_, respond), _)) = next(&mut second).await {
                answer(respond, &[], &[("grpc-status", "0")]);
            }
            drop(first);
        });
        let url = format!("http://{address}");
        let config = Config::new(Protocol::Grpc, &url, &[], Compression::None, &TlsFiles::default()).expect("valid");
        let destination = GrpcDestination::new(Arc::new(config.with_timeout(Duration::from_secs(1))));
        attempt(&destination).await.0.expect("taken");
        tokio::time::sleep(Duration::from_millis(80)).await;
        let (answer, tally) = attempt(&destination).await;
        answer.expect("taken, over a second connection");
        assert_eq!((tally.connections(), tally.requests()), (1, 2));
        held.abort();
    });
}

#[test]
fn an_unanswered_call_that_is_given_up_costs_its_connection() {
    run(async {
        let (listener, address) = listen().await;
        tokio::spawn(async move {
            let mut kept = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().await.expect("accept");
                let mut some = [0; 24];
                let _ = stream.read(&mut some).await;
                kept.push(stream);
            }
        });
        let destination = destination(address, Compression::None);
        for _ in 0..2 {
            let tally = Tally::default();
            let request = request();
            let attempt = destination.attempt(&request, soon(), &tally);
            assert!(tokio::time::timeout(Duration::from_millis(50), attempt).await.is_err());
            assert_eq!(tally.connections(), 1);
        }
    });
}

#[test]
fn a_port_of_http_is_named_as_one() {
    run(async {
        let (listener, address) = listen().await;
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.expect("accept");
                let mut some = [0; 4096];
                let _ = stream.read(&mut some).await;
                let _ = stream
                    .write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
                    .await;
                // Closing with unread bytes would take the answer back.
                while matches!(stream.read(&mut some).await, Ok(1..)) {}
            }
        });
        let error = attempt(&destination(address, Compression::None))
            .await
            .0
            .expect_err("no gRPC");
        assert!(error.to_string().contains("speaks HTTP/1.1 here"), "{error}");
        assert!(error.is_retryable());
    });
}

#[test]
fn calls_share_a_connection() {
    run(async {
        let (listener, address) = listen().await;
        serving(listener, |(_, respond), _| {
            answer(respond, &[], &[("grpc-status", "0")]);
        });
        let destination = Arc::new(destination(address, Compression::None));
        let calls: Vec<_> = (0..20)
            .map(|_| {
                let destination = Arc::clone(&destination);
                tokio::spawn(async move {
                    let (answer, tally) = attempt(&destination).await;
                    answer.map(|_| tally.connections()).expect("taken")
                })
            })
            .collect();
        let mut connections = 0;
        for call in calls {
            connections += call.await.expect("no panic");
        }
        assert_eq!(connections, 1);
    });
}

#[test]
fn closing_ends_the_connection() {
    run(async {
        let (listener, address) = listen().await;
        let served = tokio::spawn(async move {
            let mut connection = accept(&listener).await;
            while let Some(((_, respond), _)) = next(&mut connection).await {
                answer(respond, &[], &[("grpc-status", "0")]);
            }
        });
        let destination = destination(address, Compression::None);
        attempt(&destination).await.0.expect("taken");
        destination.close();
        tokio::time::timeout(Duration::from_secs(60), served)
            .await
            .expect("closed")
            .expect("no panic");
    });
}
