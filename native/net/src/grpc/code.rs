//! [`Code`]: gRPC's status codes.

/// How a call ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Code {
    /// The call was answered.
    Ok = 0,
    /// The call was given up by its caller.
    Cancelled = 1,
    /// Nothing better is known.
    Unknown = 2,
    /// The request is malformed.
    InvalidArgument = 3,
    /// The call's time was over.
    DeadlineExceeded = 4,
    /// There is no such entity.
    NotFound = 5,
    /// There is such an entity already.
    AlreadyExists = 6,
    /// The caller may not do this.
    PermissionDenied = 7,
    /// A quota is used up, or a message is too large.
    ResourceExhausted = 8,
    /// The system is not in the state that the call needs.
    FailedPrecondition = 9,
    /// The call met a conflict.
    Aborted = 10,
    /// Past the end; with tonic a message that is too large.
    OutOfRange = 11,
    /// There is no such method.
    Unimplemented = 12,
    /// Something broke.
    Internal = 13,
    /// The server does not take calls now.
    Unavailable = 14,
    /// Data is gone.
    DataLoss = 15,
    /// The caller is not known.
    Unauthenticated = 16,
}

/// Each at its number.
const CODES: [(Code, &str); 17] = [
    (Code::Ok, "OK"),
    (Code::Cancelled, "CANCELLED"),
    (Code::Unknown, "UNKNOWN"),
    (Code::InvalidArgument, "INVALID_ARGUMENT"),
    (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
    (Code::NotFound, "NOT_FOUND"),
    (Code::AlreadyExists, "ALREADY_EXISTS"),
    (Code::PermissionDenied, "PERMISSION_DENIED"),
    (Code::ResourceExhausted, "RESOURCE_EXHAUSTED"),
    (Code::FailedPrecondition, "FAILED_PRECONDITION"),
    (Code::Aborted, "ABORTED"),
    (Code::OutOfRange, "OUT_OF_RANGE"),
    (Code::Unimplemented, "UNIMPLEMENTED"),
    (Code::Internal, "INTERNAL"),
    (Code::Unavailable, "UNAVAILABLE"),
    (Code::DataLoss, "DATA_LOSS"),
    (Code::Unauthenticated, "UNAUTHENTICATED"),
];

impl Code {
    /// From the text of `grpc-status`; what is no code counts as [`Unknown`](Self::Unknown).
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        let number: Option<usize> = text.parse().ok();
        number
            .and_then(|number| CODES.get(number))
            .map_or(Self::Unknown, |&(code, _)| code)
    }

    /// The code that fits an HTTP status.
    #[must_use]
    pub fn of_http(status: u16) -> Self {
        match status {
            400 | 415 => Self::InvalidArgument,
            401 => Self::Unauthenticated,
            403 => Self::PermissionDenied,
            404 | 405 | 501 => Self::Unimplemented,
            408 | 504 => Self::DeadlineExceeded,
            413 | 429 => Self::ResourceExhausted,
            500 => Self::Internal,
            502 | 503 => Self::Unavailable,
            _ => Self::Unknown,
        }
    }

    /// Its name, as in the specification.
    #[must_use]
    pub fn name(self) -> &'static str {
        CODES[usize::from(self.number())].1
    }

    /// Its number.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_stands_at_its_number_and_has_its_name() {
        for (number, (code, name)) in CODES.into_iter().enumerate() {
            assert_eq!((usize::from(code.number()), code.name()), (number, name));
            assert_eq!(Code::from_text(&number.to_string()), code);
        }
    }

    #[test]
    fn what_is_no_code_is_unknown() {
        for text in ["", "17", "-1", "255", "256", "x", "99999999999999"] {
            assert_eq!(Code::from_text(text), Code::Unknown, "{text:?}");
        }
        assert_eq!(
            (Code::Unauthenticated.name(), Code::Unauthenticated.number()),
            ("UNAUTHENTICATED", 16)
        );
    }

    #[test]
    fn an_http_status_has_a_code_and_none_is_a_success() {
        assert!((100..600).all(|status| Code::of_http(status) != Code::Ok));
        assert_eq!(Code::of_http(413), Code::ResourceExhausted);
        assert_eq!(Code::of_http(418), Code::Unknown);
    }
}
