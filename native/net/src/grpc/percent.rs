//! The percent-encoding of `grpc-message`, which that of a URL resembles.

use std::fmt::Write;

/// A longer message is cut, since clients bound the headers that they take.
const MESSAGE_BYTES: usize = 4096;

/// As `grpc-message` wants it: what is not printable ASCII, and the percent sign, in hexadecimal.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if encoded.len() > MESSAGE_BYTES {
            break;
        }
        match byte {
            b' '..=b'~' if byte != b'%' => encoded.push(byte.into()),
            _ => {
                // Never fails on a String.
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

/// What a percent-encoded text stands for; what is no encoding stands for itself.
#[must_use]
pub fn decode(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        let digits = after
            .get(..2)
            .filter(|digits| first == b'%' && digits.iter().all(u8::is_ascii_hexdigit));
        let code = digits.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(code.unwrap_or(first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn messages_are_percent_encoded() {
        assert_eq!(encode("a b%~\n☂\x7f"), "a b%25~%0A%E2%98%82%7F");
        assert!(encode(&"x".repeat(1 << 20)).len() < 5000);
    }

    #[test]
    fn messages_are_percent_decoded() {
        for (text, expected) in [
            ("no%20%C3%A9", "no é"),
            ("100%", "100%"),
            ("%zz%4", "%zz%4"),
            ("%+1", "%+1"),
            ("", ""),
        ] {
            assert_eq!(String::from_utf8_lossy(&decode(text.as_bytes())), expected);
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_itself(text in ".{0,200}") {
            prop_assert_eq!(decode(encode(&text).as_bytes()), text.as_bytes());
        }
    }
}
