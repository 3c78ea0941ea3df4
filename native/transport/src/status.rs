//! Which answers may be tried again: tables only.

/// HTTP: too many requests, bad gateway, unavailable, gateway timeout. Everything else that is no success is final.
const HTTP_RETRYABLE: [u16; 4] = [429, 502, 503, 504];

/// Whether a request answered by this HTTP status may be sent again.
#[must_use]
pub fn http_retryable(code: u16) -> bool {
    HTTP_RETRYABLE.contains(&code)
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
}
