//! What a server's body says: a partial success, or a `google.rpc.Status`.

use crate::destination::Accepted;

/// Reads the `ExportTraceServiceResponse` in the body of a success.
#[must_use]
pub fn accepted(body: &[u8]) -> Accepted {
    // ExportTraceServiceResponse.partial_success = 1 {rejected_spans = 1, error_message = 2}
    let mut found = Accepted::default();
    let read = fields(body, |number, value| match (number, value) {
        (1, Value::Bytes(partial)) => fields(partial, |number, value| {
            match (number, value) {
                // A negative int64 rejects nothing.
                (1, Value::Varint(rejected)) => found.rejected = u64::try_from(rejected.cast_signed()).unwrap_or(0),
                (2, Value::Bytes(message)) => found.message = Some(printable(message)).filter(|text| !text.is_empty()),
                _ => {}
            }
            Some(())
        }),
        _ => Some(()),
    });
    if read.is_none() {
        return Accepted {
            unreadable: true,
            ..Accepted::default()
        };
    }
    found
}

/// What the body of a refusal says to people: the message of a `google.rpc.Status`, or the beginning of a text.
#[must_use]
pub fn refusal(body: &[u8], is_protobuf: bool) -> String {
    if !is_protobuf {
        return printable(body);
    }
    // google.rpc.Status.message = 2
    let mut message = String::new();
    let read = fields(body, |number, value| {
        if let (2, Value::Bytes(text)) = (number, value) {
            message = printable(text);
        }
        Some(())
    });
    if read.is_none() { printable(body) } else { message }
}

/// At most [`MOST_CHARS`] characters of a foreign text, without line breaks and control characters.
#[must_use]
pub fn printable(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(&text[..text.len().min(4 * MOST_CHARS)]);
    let mut out = String::new();
    for word in text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
    {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out.char_indices()
        .nth(MOST_CHARS)
        .map(|(at, _)| at)
        .into_iter()
        .for_each(|at| out.truncate(at));
    out
}

const MOST_CHARS: usize = 300;

enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    Fixed,
}

/// Calls `each` for every field of a message; `None` when it is malformed.
fn fields<'a>(mut input: &'a [u8], mut each: impl FnMut(u64, Value<'a>) -> Option<()>) -> Option<()> {
    while !input.is_empty() {
        let tag = varint(&mut input)?;
        let value = match tag & 7 {
            0 => Value::Varint(varint(&mut input)?),
            1 => take(&mut input, 8).map(|_| Value::Fixed)?,
            2 => {
                let length = varint(&mut input)?;
                Value::Bytes(take(&mut input, usize::try_from(length).ok()?)?)
            }
            5 => take(&mut input, 4).map(|_| Value::Fixed)?,
            _ => return None,
        };
        if tag >> 3 == 0 {
            return None;
        }
        each(tag >> 3, value)?;
    }
    Some(())
}

fn take<'a>(input: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (head, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some(head)
}

fn varint(input: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *take(input, 1)?.first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_partial_success_gives_its_count_and_message() {
        let body = [0x0a, 0x07, 0x08, 0x05, 0x12, 0x03, b'b', b'a', b'd'];
        assert_eq!(
            accepted(&body),
            Accepted {
                rejected: 5,
                message: Some("bad".into()),
                unreadable: false
            }
        );
    }

    #[test]
    fn an_empty_body_and_unknown_fields_are_a_plain_success() {
        assert_eq!(accepted(&[]), Accepted::default());
        assert_eq!(
            accepted(&[0x12, 0x01, 0xff, 0x19, 1, 2, 3, 4, 5, 6, 7, 8]),
            Accepted::default()
        );
    }

    #[test]
    fn a_negative_count_rejects_nothing() {
        let body = [
            0x0a, 0x0b, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
        ];
        assert_eq!(accepted(&body), Accepted::default());
    }

    #[test]
    fn a_success_that_cannot_be_read_is_marked() {
        assert!(accepted(b"<html>hello</html>").unreadable);
        assert!(accepted(&[0x0a, 0x07, 0x08]).unreadable);
    }

    #[test]
    fn a_refusal_shows_the_status_message_or_the_text() {
        let status = [0x08, 0x03, 0x12, 0x04, b'n', b'o', b'p', b'e'];
        assert_eq!(refusal(&status, true), "nope");
        assert_eq!(
            refusal(b"<h1>\n  Bad   gateway</h1>\r\n", false),
            "<h1> Bad gateway</h1>"
        );
        assert_eq!(refusal(b"<h1>", true), "<h1>");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = accepted(&body);
            let shown = refusal(&body, true);
            prop_assert!(!shown.chars().any(char::is_control));
            prop_assert!(printable(&body.repeat(100)).chars().count() <= MOST_CHARS);
        }
    }
}
