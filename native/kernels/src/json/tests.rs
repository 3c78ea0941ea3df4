use proptest::prelude::*;

use super::*;
use crate::testing::{each_level, each_place};

const HEX: [&str; 16] = [
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e", "f",
];

/// Character by character, from JSON's grammar.
fn plain(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{C}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..' ' => out.extend([
                "\\u00",
                HEX[usize::from(character as u8 >> 4)],
                HEX[usize::from(character as u8 & 15)],
            ]),
            _ => out.push(character),
        }
    }
    out + "\""
}

#[track_caller]
fn same(text: &[u8]) {
    let expected = text
        .iter()
        .position(|byte| matches!(byte, 0..0x20 | b'"' | b'\\'))
        .unwrap_or(text.len());
    each_level(|level| assert_eq!(first_escape_at(level, text), expected, "{level:?}: {text:x?}"));
    assert_eq!(first_escape(text), expected);
    if let Ok(text) = str::from_utf8(text) {
        let expected = plain(text);
        each_level(|level| {
            let mut out = b"[".to_vec();
            string_at(level, text, &mut out);
            assert_eq!(&out[1..], expected.as_bytes(), "{level:?}");
        });
    }
}

#[test]
fn every_length_and_alignment() {
    each_place(&[b'a'; 256], same);
    each_place(&b"a\"\\\n\x1f \x7f\xff".repeat(32), same);
    each_place("words, é and €, a line\n".repeat(12).as_bytes(), same);
}

#[test]
fn every_byte_at_every_place() {
    let lens: &[usize] = if cfg!(miri) {
        &[9]
    } else {
        &[1, 8, 15, 16, 31, 33, 64, 65, 100]
    };
    for &len in lens {
        let mut text = vec![b'x'; len];
        for at in 0..len {
            for byte in (0..=0xFF).step_by(if cfg!(miri) { 51 } else { 1 }) {
                text[at] = byte;
                same(&text);
            }
            text[at] = b'x';
        }
    }
}

proptest! {
    #[test]
    #[cfg_attr(miri, ignore = "making texts of a pattern takes minutes there")]
    fn any_text(text in any::<String>(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        same(text.as_bytes());
        same(&bytes);
    }
}
