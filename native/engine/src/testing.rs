//! For tests: a backend of a few lines on a real socket.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use spanwire_transport::config::TlsFiles;
use spanwire_transport::{Compression, Config, Protocol};
use spanwire_wire::TraceRequest;

use crate::Client;

/// A backend, and where and how many requests and bytes of bodies it got.
pub struct Backend {
    pub endpoint: String,
    pub bytes: Arc<AtomicUsize>,
    pub requests: Arc<AtomicUsize>,
    /// The path of each request.
    pub paths: Arc<Mutex<Vec<String>>>,
}

/// Answers each request with this status after its body and the delay; keeps connections until told otherwise.
pub fn backend(status: &'static str, delay: Duration) -> Backend {
    backend_after(status, move || thread::sleep(delay))
}

/// The same, but after what is done with each request.
pub fn backend_after(status: &'static str, wait: impl Fn() + Send + Sync + 'static) -> Backend {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let address = listener.local_addr().expect("bound");
    let (bytes, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counted = (Arc::clone(&bytes), Arc::clone(&requests));
    let paths = Arc::<Mutex<Vec<String>>>::default();
    let seen_paths = Arc::clone(&paths);
    let wait = Arc::new(wait);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let counted = counted.clone();
            let wait = Arc::clone(&wait);
            let seen_paths = Arc::clone(&seen_paths);
            thread::spawn(move || {
                let mut seen = Vec::new();
                let mut chunk = [0; 4096];
                while let Ok(read @ 1..) = stream.read(&mut chunk) {
                    seen.extend_from_slice(&chunk[..read]);
                    let Some(head) = seen.windows(4).position(|end| end == b"\r\n\r\n") else {
                        continue;
                    };
                    let text = String::from_utf8_lossy(&seen[..head]).to_lowercase();
                    let length = text
                        .split("content-length: ")
                        .nth(1)
                        .and_then(|rest| rest.lines().next());
                    let length: usize = length.and_then(|length| length.parse().ok()).expect("a length");
                    if seen.len() < head + 4 + length {
                        continue;
                    }
                    let path = text.split(' ').nth(1).expect("a request line").to_owned();
                    seen_paths.lock().unwrap_or_else(PoisonError::into_inner).push(path);
                    seen.clear();
                    counted.0.fetch_add(length, Ordering::SeqCst);
                    counted.1.fetch_add(1, Ordering::SeqCst);
                    wait();
                    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
                    let _ = stream.write_all(answer.as_bytes());
                }
            });
        }
    });
    Backend {
        endpoint: format!("http://{address}/v1/traces"),
        bytes,
        requests,
        paths,
    }
}

/// A client of that endpoint; simulations count on its ten seconds.
pub fn client(endpoint: &str) -> Client {
    client_within(endpoint, Duration::from_secs(10))
}

/// The same, for requests that may take so long.
pub fn client_within(endpoint: &str, timeout: Duration) -> Client {
    Client::new(config(endpoint), timeout, None).expect("fork handlers")
}

/// A configuration for that endpoint.
pub fn config(endpoint: &str) -> Config {
    Config::new(
        Protocol::HttpProtobuf,
        endpoint,
        &[],
        Compression::None,
        &TlsFiles::default(),
    )
    .expect("valid configuration")
}

/// Runs on tokio's paused clock: waits take no real time.
pub fn paused<F: Future>(test: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("runtime")
        .block_on(test)
}

/// The spans of a request: their names are numbers.
pub fn numbers(body: &[u8]) -> Vec<u32> {
    let resources = TraceRequest::new(body).resources();
    let scopes = resources.flat_map(|resource| resource.expect("readable").scopes());
    let spans = scopes.flat_map(|scope| scope.expect("readable").items());
    spans
        .map(|span| span.expect("readable").name().trim().parse().expect("a number"))
        .collect()
}
