//! What fuzz targets reach of the client, without a socket. Built by cargo-fuzz only, which sets `cfg(fuzzing)`.
#![allow(missing_docs, clippy::missing_panics_doc)]

use std::cell::RefCell;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncWriteExt, duplex};
use tokio::runtime::Runtime;

use crate::config::{Config, TlsFiles};
use crate::destination::{Accepted, Request};
use crate::error::SendError;
use crate::{Compression, HttpDestination, Protocol};

/// What no answer may make us say: of the headers and of the query, as sent and as decoded.
pub const SECRETS: [&str; 4] = ["t0ken-of-ours", "hunter2-key", "q%75ery-key", "query-key"];

/// What is made of a backend's answer, which consists of these bytes, to a request with secrets.
pub fn answer(bytes: &[u8]) -> Result<Accepted, SendError> {
    thread_local! {
        static PLACE: RefCell<Option<(Runtime, Arc<Config>)>> = const { RefCell::new(None) };
    }
    PLACE.with_borrow_mut(|place| {
        let (runtime, config) = place.get_or_insert_with(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
            let headers = [
                ("authorization".to_owned(), b"Bearer t0ken-of-ours".to_vec()),
                ("x-key".to_owned(), b"hunter2-key".to_vec()),
            ];
            let url = "http://h:1/?key=q%75ery-key";
            let config = Config::new(
                Protocol::HttpProtobuf,
                url,
                &headers,
                Compression::None,
                &TlsFiles::default(),
            );
            (runtime.expect("a runtime"), Arc::new(config.expect("valid")))
        });
        runtime.block_on(async {
            let (client, mut server) = duplex(1 << 16);
            let request = Request {
                body: Bytes::from_static(b"spans"),
                spans: 1,
            };
            let destination = HttpDestination::new(Arc::clone(config));
            let answering = async {
                let _ = server.write_all(bytes).await; // fails when the client has seen enough
                let _ = server.shutdown().await;
                // Kept open until the client is done: it has its request to write.
                std::future::pending::<()>().await;
            };
            match crate::race::race(destination.attempt_over(client, &request), answering).await {
                crate::race::Either::First(answer) => answer,
                crate::race::Either::Second(()) => Err(SendError::Shutdown),
            }
        })
    })
}
