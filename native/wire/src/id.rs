//! Trace and span ids: 16 and 8 bytes, shown as lowercase hex.

use core::error::Error;
use core::fmt;
use core::str::FromStr;

use spanwire_kernels::hex;

/// Text that is not an id: hex digits of exactly the right number are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ParseIdError {
    /// Hex digits that the id has.
    pub expected_digits: usize,
}

impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an id must be {} hex digits", self.expected_digits)
    }
}

impl Error for ParseIdError {}

/// Declares an id of `$length` bytes.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[repr(transparent)]
        pub struct $name([u8; $length]);

        impl $name {
            /// All zero, which W3C and OTLP call invalid. Readers give it for an absent or empty field.
            pub const INVALID: Self = Self([0; $length]);
            /// Bytes of an id.
            pub const LENGTH: usize = $length;

            /// An id of these bytes.
            #[must_use]
            pub const fn new(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }

            /// Whether any byte differs from zero.
            #[must_use]
            pub fn is_valid(self) -> bool {
                self != Self::INVALID
            }

            /// The bytes, in the order of the wire.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }

            /// Lowercase hex digits.
            #[must_use]
            pub fn to_hex(self) -> [u8; 2 * $length] {
                hex::encode(&self.0)
            }

            /// The bytes, in the order of the wire.
            #[must_use]
            pub const fn to_bytes(self) -> [u8; $length] {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(core::str::from_utf8(&self.to_hex()).expect("hex digits are ASCII"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            /// Reads hex digits of either case.
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let digits = <&[u8; 2 * $length]>::try_from(text.as_bytes()).ok();
                digits.and_then(hex::decode).map(Self).ok_or(ParseIdError { expected_digits: 2 * $length })
            }
        }

        impl From<[u8; $length]> for $name {
            fn from(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }
        }
    };
}

id! {
    /// The id that all spans of a trace share.
    TraceId, 16
}
id! {
    /// A span's own id.
    SpanId, 8
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::string::ToString;

    use super::*;

    #[test]
    fn an_id_is_shown_and_read_as_hex() {
        let text = "0123456789abcdeffedcba9876543210";
        let id: TraceId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(format!("{id:?}"), format!("TraceId({text})"));
        assert_eq!(text.to_uppercase().parse(), Ok(id));
        assert_eq!(id.as_bytes()[..2], [0x01, 0x23]);
    }

    #[test]
    fn text_of_another_length_or_other_letters_is_no_id() {
        let error = Err(ParseIdError { expected_digits: 16 });
        for text in [
            "",
            "0123456789abcde",
            "0123456789abcdef0",
            "0123456789abcdeg",
            "+123456789abcdef",
        ] {
            assert_eq!(text.parse::<SpanId>(), error, "{text:?}");
        }
    }

    #[test]
    fn zero_is_not_valid() {
        assert!(!SpanId::default().is_valid());
        assert!(SpanId::new([0, 0, 0, 0, 0, 0, 0, 1]).is_valid());
    }
}
