//! JSON documents in a stream: where each ends, what is whole in a broken one.

use spanwire_json::JsonError;

/// Finds the end of an object, however it is cut into pieces. Brackets in strings do not count.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    /// Bytes looked at.
    pub(crate) seen: usize,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Scanner {
    /// Looks on in `bytes`, which begin with those seen before; the object's length, once it is known.
    pub(crate) fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        for (at, &byte) in bytes.iter().enumerate().skip(self.seen) {
            if self.in_string {
                if self.escaped {
                    self.escaped = false;
                } else if byte == b'\\' {
                    self.escaped = true;
                } else if byte == b'"' {
                    self.in_string = false;
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        self.seen = at + 1;
                        return Some(at + 1);
                    }
                }
                _ => {}
            }
        }
        self.seen = bytes.len();
        None
    }
}

/// The whole spans in front of byte `end` of a document, as a document; none if there is no whole span.
pub(crate) fn whole_part(document: &[u8], end: usize) -> Option<Vec<u8>> {
    let mut open: Vec<u8> = Vec::new();
    let (mut in_string, mut escaped) = (false, false);
    let mut last = None;
    for (at, &byte) in document.iter().enumerate().take(end) {
        if in_string {
            if escaped {
                escaped = false;
            } else if byte == b'\\' {
                escaped = true;
            } else if byte == b'"' {
                in_string = false;
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => open.push(byte),
            b'}' | b']' => {
                if byte == b'}' && open == SPAN {
                    last = Some(at + 1);
                }
                open.pop();
            }
            _ => {}
        }
    }
    let mut text = document[..last?].to_vec();
    text.extend_from_slice(AFTER_SPAN);
    Some(text)
}

/// What is open in a span: the document, its resources, one of them, its scopes, one of them, its spans, one of them.
const SPAN: &[u8] = b"{[{[{[{";
/// What closes the rest, after a span.
pub(crate) const AFTER_SPAN: &[u8] = b"]}]}]}";

/// Where in the text an error is, in bytes.
pub(crate) fn offset(document: &[u8], error: &JsonError) -> usize {
    let line = match error.line() {
        0 | 1 => 0,
        line => document
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n')
            .nth(line - 2)
            .map_or(document.len(), |(at, _)| at + 1),
    };
    (line + error.column().saturating_sub(1)).min(document.len())
}
