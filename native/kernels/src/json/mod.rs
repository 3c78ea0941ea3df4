//! JSON strings: which bytes stand for themselves between the quotes.

mod scalar;
mod simd;

use alloc::vec::Vec;

use crate::level::{Usable, usable};

/// The index of the first byte that JSON wants escaped: a quote, a backslash or a control character below U+0020. Where there is none, how
/// many bytes there are.
#[must_use]
pub fn first_escape(text: &[u8]) -> usize {
    first_escape_at(usable(), text)
}

/// The same by the variant of this level.
#[must_use]
pub fn first_escape_at(level: Usable, text: &[u8]) -> usize {
    simd::first_escape(level, text)
}

/// Appends `text` with its quotes and its escapes: the short ones where JSON has one, else `\u00XX` in lower case.
pub fn string(text: &str, out: &mut Vec<u8>) {
    string_at(usable(), text, out);
}

/// The same by the variant of this level.
pub fn string_at(level: Usable, text: &str, out: &mut Vec<u8>) {
    let text = text.as_bytes();
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text;
    loop {
        let clean = simd::first_escape(level, rest);
        let (before, after) = rest.split_at(clean);
        out.extend_from_slice(before);
        let Some((&byte, after)) = after.split_first() else {
            break;
        };
        scalar::escape(byte, out);
        // Where one is there are often more at once: line ends, quotes around a word.
        rest = after;
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests;
