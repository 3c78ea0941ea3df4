//! Which answers OTLP lets a client try again: tables only.

use spanwire_net::grpc::Code;

/// HTTP: too many requests, bad gateway, unavailable, gateway timeout. Everything else that is no success is final.
const HTTP_RETRYABLE: [u16; 4] = [429, 502, 503, 504];

/// Whether a request answered by this HTTP status may be sent again.
#[must_use]
pub fn http_retryable(code: u16) -> bool {
    HTTP_RETRYABLE.contains(&code)
}

/// Whether a call that ended so may be made again; `has_retry_info`: the server said when.
#[must_use]
pub fn grpc_retryable(code: Code, has_retry_info: bool) -> bool {
    match code {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => true,
        Code::ResourceExhausted => has_retry_info,
        _ => false,
    }
}

/// Whether this HTTP status means that the request was taken. Redirects are not: they are not followed.
#[must_use]
pub fn http_success(code: u16) -> bool {
    (200..300).contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_four_statuses_of_the_protocol_are_retried() {
        let retried: Vec<u16> = (100..600).filter(|&code| http_retryable(code)).collect();
        assert_eq!(retried, [429, 502, 503, 504]);
    }

    #[test]
    fn success_is_the_two_hundreds_only_and_never_retried() {
        assert!((100..600).filter(|&code| http_success(code)).eq(200..300));
        assert!(!(100..600).any(|code| http_success(code) && http_retryable(code)));
    }

    #[test]
    fn exactly_the_codes_of_the_protocol_are_retried() {
        let retried = |info| -> Vec<_> {
            let codes = (0..17).map(|number: u8| Code::from_text(&number.to_string()));
            codes
                .filter(|&code| grpc_retryable(code, info))
                .map(Code::name)
                .collect()
        };
        let always = [
            "CANCELLED",
            "DEADLINE_EXCEEDED",
            "ABORTED",
            "OUT_OF_RANGE",
            "UNAVAILABLE",
            "DATA_LOSS",
        ];
        assert_eq!(retried(false), always);
        let with_info: Vec<_> = retried(true)
            .into_iter()
            .filter(|name| !always.contains(name))
            .collect();
        assert_eq!(with_info, ["RESOURCE_EXHAUSTED"]);
    }
}
