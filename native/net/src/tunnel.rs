//! A way through an HTTP proxy to a backend, opened by CONNECT.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::endpoint::Endpoint;
use crate::proxy::Proxy;
use crate::text::printable;
use crate::writes_pass_through;

/// A longer head is no answer to CONNECT.
const MAX_HEAD: usize = 16 << 10;

/// What the backend is spoken to through.
pub struct Tunnel<S> {
    stream: S,
    /// Of the backend, behind the proxy's answer: a server of HTTP/2 may speak first.
    early: BytesMut,
}

/// Why there is no way through.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    /// In words.
    pub why: String,
    /// It will be the same next time.
    pub is_final: bool,
}

fn later(why: impl Into<String>) -> Refused {
    Refused {
        why: why.into(),
        is_final: false,
    }
}

/// Asks the proxy at the other end of `stream` for a way to `backend`.
pub async fn open<S>(
    mut stream: S,
    proxy: &Proxy,
    backend: &Endpoint,
    hide: impl Fn(String) -> String,
) -> Result<Tunnel<S>, Refused>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let lost = |error: io::Error| later(format!("the connection was lost: {error}"));
    let target = target(backend);
    let mut question = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n").into_bytes();
    if let Some(authorization) = &proxy.authorization {
        question.extend_from_slice(b"Proxy-Authorization: ");
        question.extend_from_slice(authorization.as_bytes());
        question.extend_from_slice(b"\r\n");
    }
    question.extend_from_slice(b"\r\n");
    stream.write_all(&question).await.map_err(lost)?;
    stream.flush().await.map_err(lost)?;
    let mut data = BytesMut::with_capacity(1024);
    let end = loop {
        if stream.read_buf(&mut data).await.map_err(lost)? == 0 {
            return Err(later("it closed the connection before it answered"));
        }
        let known = data.len().min(7);
        if data[..known] != b"HTTP/1."[..known] {
            return Err(Refused {
                why: not_http(&data).into(),
                is_final: true,
            });
        }
        if let Some(at) = data.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if data.len() > MAX_HEAD {
            return Err(Refused {
                why: "its answer is too long".into(),
                is_final: true,
            });
        }
    };
    let head = data.split_to(end + 4);
    let line = head[..].split(|&byte| byte == b'\r').next().unwrap_or_default();
    let said = line.get(9..).unwrap_or_default();
    let code = said.get(..3).and_then(|code| str::from_utf8(code).ok()?.parse().ok());
    match code {
        Some(200..300) => Ok(Tunnel { stream, early: data }),
        Some(code) => Err(refused(
            code,
            &target,
            &printable(said, hide),
            proxy.authorization.is_some(),
        )),
        None => Err(Refused {
            why: "its answer has no status".into(),
            is_final: true,
        }),
    }
}

/// Host and port as CONNECT wants them.
fn target(backend: &Endpoint) -> String {
    let Endpoint { host, port, .. } = backend;
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

fn not_http(data: &[u8]) -> &'static str {
    if data.first() == Some(&0x15) {
        "it speaks TLS there: does its URL begin with https://?"
    } else {
        "what answers there is no HTTP proxy"
    }
}

/// What its 407 means.
#[must_use]
pub fn wants_credentials(said: &str, has_credentials: bool) -> String {
    if has_credentials {
        format!("it does not take the user and password of its URL ({said})")
    } else {
        format!("it wants credentials ({said}): put user and password into its URL")
    }
}

fn refused(code: u16, target: &str, said: &str, has_credentials: bool) -> Refused {
    let why = match code {
        407 => wants_credentials(said, has_credentials),
        500.. => format!("it does not reach {target} ({said})"),
        _ => format!("it refuses the way to {target} ({said})"),
    };
    Refused {
        why,
        is_final: code < 500 && ![408, 425, 429].contains(&code),
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tunnel<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.early.is_empty() {
            return Pin::new(&mut this.stream).poll_read(context, buffer);
        }
        let some = this.early.len().min(buffer.remaining());
        buffer.put_slice(&this.early[..some]);
        this.early.advance(some);
        Poll::Ready(Ok(()))
    }
}

writes_pass_through!(Tunnel);

#[cfg(test)]
mod tests;
