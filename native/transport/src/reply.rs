//! What a server's body says: a partial success, or a `google.rpc.Status`, in protobuf or JSON.

use spanwire_json::{read_response, read_status_message};
use spanwire_net::text::printable;
use spanwire_wire::answer::{ExportAnswer, RpcStatus};

use crate::destination::Accepted;

/// Reads the export response in the body of a success; `hide` takes secrets out of its message.
pub fn accepted(body: &[u8], hide: impl Fn(String) -> String) -> Accepted {
    said(ExportAnswer::decode(body).ok(), hide)
}

/// The same of a body in JSON.
pub fn accepted_json(body: &[u8], hide: impl Fn(String) -> String) -> Accepted {
    // Some servers answer with nothing at all.
    let answer = if body.is_empty() {
        Some(ExportAnswer::default())
    } else {
        read_response(body)
    };
    said(answer, hide)
}

/// What an answer says, which is a count of rejected items and a message; none if it could not be read.
fn said(answer: Option<ExportAnswer<'_>>, hide: impl Fn(String) -> String) -> Accepted {
    let Some(ExportAnswer { rejected, message }) = answer else {
        return Accepted {
            unreadable: true,
            ..Accepted::default()
        };
    };
    Accepted {
        // A negative count rejects nothing.
        rejected: u64::try_from(rejected).unwrap_or(0),
        message: Some(printable(message.as_bytes(), hide)).filter(|text| !text.is_empty()),
        unreadable: false,
    }
}

/// How a body is written, by its content type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// Protobuf.
    Protobuf,
    /// JSON.
    Json,
    /// Something else, or not said.
    Other,
}

impl Form {
    /// By that `Content-Type`.
    #[must_use]
    pub fn of(content_type: Option<&str>) -> Self {
        let kind = content_type.unwrap_or_default().to_ascii_lowercase();
        if kind.starts_with("application/x-protobuf") {
            Self::Protobuf
        } else if kind.starts_with("application/json") {
            Self::Json
        } else {
            Self::Other
        }
    }
}

/// What the body of a refusal says to people: the message of a `google.rpc.Status`, or the beginning of a text, without
/// the secrets that `hide` takes out.
pub fn refusal(body: &[u8], form: Form, hide: impl Fn(String) -> String) -> String {
    match form {
        Form::Protobuf => {
            if let Ok(status) = RpcStatus::decode(body) {
                return printable(status.message.as_bytes(), hide);
            }
        }
        Form::Json => {
            if let Some(message) = read_status_message(body) {
                return printable(message.as_bytes(), hide);
            }
        }
        Form::Other => {}
    }
    printable(body, hide)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use spanwire_net::text::MOST_CHARS;

    use super::*;

    /// Hides nothing.
    fn all(text: String) -> String {
        text
    }

    #[test]
    fn a_partial_success_gives_its_count_and_message() {
        let body = [0x0a, 0x07, 0x08, 0x05, 0x12, 0x03, b'b', b'a', b'd'];
        assert_eq!(
            accepted(&body, all),
            Accepted {
                rejected: 5,
                message: Some("bad".into()),
                unreadable: false
            }
        );
    }

    #[test]
    fn an_empty_body_and_unknown_fields_are_a_plain_success() {
        assert_eq!(accepted(&[], all), Accepted::default());
        assert_eq!(
            accepted(&[0x12, 0x01, 0xff, 0x19, 1, 2, 3, 4, 5, 6, 7, 8], all),
            Accepted::default()
        );
    }

    #[test]
    fn a_negative_count_rejects_nothing() {
        let body = [
            0x0a, 0x0b, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
        ];
        assert_eq!(accepted(&body, all), Accepted::default());
    }

    #[test]
    fn a_success_that_cannot_be_read_is_marked() {
        assert!(accepted(b"<html>hello</html>", all).unreadable);
        assert!(accepted(&[0x0a, 0x07, 0x08], all).unreadable);
    }

    #[test]
    fn a_refusal_shows_the_status_message_or_the_text() {
        let status = [0x08, 0x03, 0x12, 0x04, b'n', b'o', b'p', b'e'];
        assert_eq!(refusal(&status, Form::Protobuf, all), "nope");
        assert_eq!(
            refusal(b"<h1>\n  Bad   gateway</h1>\r\n", Form::Other, all),
            "<h1> Bad gateway</h1>"
        );
        assert_eq!(refusal(b"<h1>", Form::Protobuf, all), "<h1>");
        assert_eq!(refusal(b"<h1>", Form::Json, all), "<h1>");
        assert_eq!(refusal(br#"{"code":3,"message":"nope"}"#, Form::Json, all), "nope");
    }

    #[test]
    fn a_success_in_json_is_read() {
        let body = br#"{"partialSuccess":{"rejectedSpans":"5","errorMessage":"bad"}}"#;
        assert_eq!(
            accepted_json(body, all),
            Accepted {
                rejected: 5,
                message: Some("bad".into()),
                unreadable: false
            }
        );
        for nothing in [&b""[..], b"{}", br#"{"partialSuccess":{"rejectedSpans":-1}}"#] {
            assert_eq!(accepted_json(nothing, all), Accepted::default());
        }
        assert!(accepted_json(b"<html>", all).unreadable);
    }

    #[test]
    fn a_body_is_what_its_content_type_says() {
        for (kind, form) in [
            (Some("application/x-protobuf"), Form::Protobuf),
            (Some("Application/JSON; charset=utf-8"), Form::Json),
            (Some("text/html"), Form::Other),
            (None, Form::Other),
        ] {
            assert_eq!(Form::of(kind), form);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = accepted(&body, all);
            let _ = accepted_json(&body, all);
            let shown = refusal(&body, Form::Protobuf, all);
            prop_assert!(!shown.chars().any(char::is_control));
            prop_assert!(printable(&body.repeat(100), all).chars().count() <= MOST_CHARS);
        }
    }
}
