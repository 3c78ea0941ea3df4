//! The JSON forms of a receiver's answers.

use spanwire_wire::Signal;

/// The export response of `signal`; a partial success where `rejected` or `message` says something.
#[must_use]
pub fn response(signal: Signal, rejected: i64, message: &str) -> String {
    let mut partial = Vec::new();
    if rejected != 0 {
        partial.push(format!("\"{}\":\"{rejected}\"", signal.names().json_rejected));
    }
    if !message.is_empty() {
        partial.push(format!("\"errorMessage\":{}", quoted(message)));
    }
    if partial.is_empty() {
        "{}".into()
    } else {
        format!("{{\"partialSuccess\":{{{}}}}}", partial.join(","))
    }
}

/// `google.rpc.Status`.
#[must_use]
pub fn rpc_status(code: u8, message: &str) -> String {
    format!("{{\"code\":{code},\"message\":{}}}", quoted(message))
}

fn quoted(text: &str) -> serde_json::Value {
    // Its Display is JSON.
    serde_json::Value::String(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_is_an_empty_object() {
        assert_eq!(response(Signal::Traces, 0, ""), "{}");
    }

    #[test]
    fn partial_success_has_a_64_bit_number_as_text() {
        let expected = r#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"\"no\"\n"}}"#;
        assert_eq!(response(Signal::Traces, 3, "\"no\"\n"), expected);
        assert_eq!(
            response(Signal::Traces, 3, ""),
            r#"{"partialSuccess":{"rejectedSpans":"3"}}"#
        );
    }

    #[test]
    fn status_has_code_and_message() {
        assert_eq!(rpc_status(3, "bad"), r#"{"code":3,"message":"bad"}"#);
    }
}
