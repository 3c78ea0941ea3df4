//! Foreign text, made fit for a message.

/// At most [`MOST_CHARS`] characters of a foreign text, without line breaks and control characters. `hide` sees all
/// of it: a secret cut in two would not be known again.
pub fn printable(text: &[u8], hide: impl Fn(String) -> String) -> String {
    let text = hide(String::from_utf8_lossy(text).into_owned());
    let mut out = String::new();
    for word in text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
    {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
        if out.len() > 4 * MOST_CHARS {
            break; // no character is longer
        }
    }
    out.char_indices()
        .nth(MOST_CHARS)
        .map(|(at, _)| at)
        .into_iter()
        .for_each(|at| out.truncate(at));
    out
}

/// A longer text is cut.
pub const MOST_CHARS: usize = 300;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_secret_at_the_cut_is_hidden_as_a_whole() {
        let text = format!("{}hunter2", "x".repeat(MOST_CHARS - 3));
        let shown = printable(text.as_bytes(), |text| text.replace("hunter2", "***"));
        assert!(shown.ends_with("x***"), "{shown}");
    }

    proptest! {
        #[test]
        fn any_bytes_become_a_short_line(text in prop::collection::vec(any::<u8>(), 0..2000)) {
            let shown = printable(&text, |text| text);
            prop_assert!(shown.chars().count() <= MOST_CHARS);
            prop_assert!(!shown.chars().any(char::is_control));
        }
    }
}
