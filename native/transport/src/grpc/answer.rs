//! What a server's answer to a call means.

use std::time::SystemTime;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use hyper::body::Body;
use spanwire_json::base64;
use spanwire_wire::answer::RpcStatus;

use crate::config::Config;
use crate::destination::Accepted;
use crate::error::SendError;
use crate::reply::{self, Form};
use spanwire_net::bounded::{Collected, MAX_RESPONSE_BYTES, Unread, collect};
use spanwire_net::grpc::{Code, Prefix, percent};
use spanwire_net::retry;
use spanwire_net::text::printable;

/// Reads the answer to its end; `lost` says why a body broke off.
pub async fn read<B>(
    response: http::Response<B>,
    config: &Config,
    lost: impl Fn(B::Error) -> SendError,
) -> Result<Accepted, SendError>
where
    B: Body<Data = Bytes> + Unpin,
{
    let (head, mut body) = response.into_parts();
    let kind = text(&head.headers, CONTENT_TYPE.as_str());
    // Trailers alone, without a message.
    if head.headers.contains_key(STATUS) {
        return judge(&head.headers, None, config);
    }
    if head.status != StatusCode::OK || !kind.is_some_and(|kind| kind.starts_with("application/grpc")) {
        let body = collect(&mut body, MAX_RESPONSE_BYTES).await.unwrap_or_default();
        return Err(no_grpc(head.status.as_u16(), &head.headers, &body.bytes, config));
    }
    let collected = collect(&mut body, MAX_RESPONSE_BYTES + Prefix::SIZE).await;
    let Collected { bytes, trailers } = collected.map_err(|unread| match unread {
        Unread::TooLarge => SendError::ResponseTooLarge {
            limit: MAX_RESPONSE_BYTES,
        },
        Unread::Broken(error) => lost(error),
    })?;
    // hyper ends a body without an error where NO_ERROR resets its stream or sends its connection away.
    if !trailers.contains_key(STATUS) && !body.is_end_stream() {
        return Err(SendError::Lost("the answer broke off".into()));
    }
    judge(&trailers, Some(&bytes), config)
}

const STATUS: &str = "grpc-status";

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn judge(trailers: &HeaderMap, message: Option<&[u8]>, config: &Config) -> Result<Accepted, SendError> {
    let hide = |text| config.peer.redact(text);
    let Some(code) = text(trailers, STATUS) else {
        return Err(SendError::Rpc {
            code: Code::Unknown,
            message: "the answer ended without a status; does a proxy on the way drop trailers?".into(),
            retry_delay: None,
        });
    };
    let code = Code::from_text(code);
    if code == Code::Ok {
        return Ok(match message.and_then(Prefix::strip) {
            Some(message) => reply::accepted(message, hide),
            None => Accepted {
                unreadable: true,
                ..Accepted::default()
            },
        });
    }
    let said = trailers
        .get("grpc-message")
        .map(|value| percent::decode(value.as_bytes()));
    let details = text(trailers, "grpc-status-details-bin")
        .and_then(base64::decode)
        .unwrap_or_default();
    let details = RpcStatus::decode(&details).unwrap_or_default();
    let mut message = printable(said.as_deref().unwrap_or(details.message.as_bytes()), hide);
    let advice = match code {
        Code::Unauthenticated | Code::PermissionDenied => {
            "are the credentials right (headers=, OTEL_EXPORTER_OTLP_HEADERS)?"
        }
        Code::Unimplemented => "is this the address of an OTLP backend that takes traces?",
        _ => "",
    };
    if !advice.is_empty() {
        message += if message.is_empty() { "" } else { "; " };
        message += advice;
    }
    Err(SendError::Rpc {
        code,
        message,
        retry_delay: details.retry_delay,
    })
}

/// An answer of somebody who does not speak gRPC: a proxy, or the wrong server. Its status says what to do, by the table of HTTP,
/// which is the same as gRPC's own of such statuses.
fn no_grpc(code: u16, headers: &HeaderMap, body: &[u8], config: &Config) -> SendError {
    let hide = |text| config.peer.redact(text);
    let shown = reply::refusal(body, Form::of(text(headers, CONTENT_TYPE.as_str())), hide);
    if code == 200 {
        let kind = text(headers, CONTENT_TYPE.as_str()).unwrap_or("none");
        let kind = printable(kind.as_bytes(), hide);
        return SendError::Rpc {
            code: Code::Unknown,
            message: format!("the answer is not gRPC (content-type {kind}), which usually has port 4317 {shown}")
                .trim_end()
                .into(),
            retry_delay: None,
        };
    }
    let advice = match code {
        401 | 403 => "are the credentials right (headers=, OTEL_EXPORTER_OTLP_HEADERS)?",
        _ => "the answer is not gRPC, which usually has port 4317",
    };
    let separator = if shown.is_empty() { "" } else { "; " };
    SendError::Status {
        code,
        message: format!("{shown}{separator}{advice}"),
        retry_after: text(headers, RETRY_AFTER.as_str()).and_then(|value| retry::retry_after(value, SystemTime::now())),
    }
}
