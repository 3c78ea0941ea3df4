//! Why a request is not accepted, before it becomes an answer of HTTP or gRPC.

use std::time::Duration;

use http::StatusCode;

use spanwire_net::grpc::Code;

/// Why a request is not accepted.
#[derive(Debug)]
pub struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
    pub(crate) retry_after: Option<u32>,
    pub(crate) allow: Option<&'static str>,
    /// The connection can't be used further, since the body was not read to its end.
    pub(crate) close: bool,
    /// In gRPC, where it is not the one that fits the status.
    pub(crate) code: Option<Code>,
}

impl Refusal {
    /// A refusal with this status; for gRPC the code that fits it.
    #[must_use]
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            retry_after: None,
            allow: None,
            close: false,
            code: None,
        }
    }

    /// The client may try again after `delay`.
    #[must_use]
    pub fn later(delay: Duration) -> Self {
        let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
        let text = "try again later";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, text).retry_after(u32::try_from(seconds).unwrap_or(u32::MAX))
    }

    pub(crate) fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    pub(crate) fn allow(mut self, methods: &'static str) -> Self {
        self.allow = Some(methods);
        self
    }

    pub(crate) fn closing(mut self) -> Self {
        self.close = true;
        self
    }

    pub(crate) fn grpc(mut self, code: Code) -> Self {
        self.code = Some(code);
        self
    }

    pub(crate) fn code(&self) -> Code {
        self.code.unwrap_or(Code::of_http(self.status.as_u16()))
    }
}
