//! gRPC's status codes.

/// A status code; what is unknown counts as [`UNKNOWN`](Self::UNKNOWN).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Code(u8);

/// The names, each at its number.
const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

impl Code {
    /// The call was answered.
    pub const OK: Self = Self(0);
    /// The call was given up by somebody.
    pub const CANCELLED: Self = Self(1);
    /// Nothing better is known.
    pub const UNKNOWN: Self = Self(2);
    /// Its time was over.
    pub const DEADLINE_EXCEEDED: Self = Self(4);
    /// Who we are may not do this.
    pub const PERMISSION_DENIED: Self = Self(7);
    /// A quota, or a message that is too large.
    pub const RESOURCE_EXHAUSTED: Self = Self(8);
    /// A conflict.
    pub const ABORTED: Self = Self(10);
    /// Past the end; with tonic a message that is too large.
    pub const OUT_OF_RANGE: Self = Self(11);
    /// There is no such service.
    pub const UNIMPLEMENTED: Self = Self(12);
    /// Something broke.
    pub const INTERNAL: Self = Self(13);
    /// Not now.
    pub const UNAVAILABLE: Self = Self(14);
    /// What was sent is gone.
    pub const DATA_LOSS: Self = Self(15);
    /// It is not known who we are.
    pub const UNAUTHENTICATED: Self = Self(16);

    /// From the text of `grpc-status`.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        let number = text
            .parse()
            .ok()
            .filter(|&number: &u8| usize::from(number) < NAMES.len());
        number.map_or(Self::UNKNOWN, Self)
    }

    /// Its name, as in the specification.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES[usize::from(self.0)]
    }

    /// Its number.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }

    /// Whether OTLP lets a call be tried again that ended so; `has_retry_info`: the server said when.
    #[must_use]
    pub fn is_retryable(self, has_retry_info: bool) -> bool {
        match self {
            Self::CANCELLED
            | Self::DEADLINE_EXCEEDED
            | Self::ABORTED
            | Self::OUT_OF_RANGE
            | Self::UNAVAILABLE
            | Self::DATA_LOSS => true,
            Self::RESOURCE_EXHAUSTED => has_retry_info,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_codes_of_the_protocol_are_retried() {
        let retried = |info| -> Vec<_> {
            let codes = (0..17).map(Code);
            codes.filter(|code| code.is_retryable(info)).map(Code::name).collect()
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

    #[test]
    fn what_is_no_code_is_unknown() {
        for text in ["", "17", "-1", "255", "256", "x", "99999999999999"] {
            assert_eq!(Code::from_text(text), Code::UNKNOWN, "{text:?}");
        }
        assert_eq!(Code::from_text("14"), Code::UNAVAILABLE);
        assert_eq!(
            (Code::UNAUTHENTICATED.name(), Code::UNAUTHENTICATED.number()),
            ("UNAUTHENTICATED", 16)
        );
    }
}
