//! JSON text, written piece by piece: names, commas and scalars.

use std::fmt::Display;
use std::io::Write;

use crate::base64;

/// Writes the members of one object; the brackets are the caller's.
pub(crate) struct Members<'o> {
    pub(crate) out: &'o mut Vec<u8>,
    first: bool,
}

impl<'o> Members<'o> {
    pub(crate) fn new(out: &'o mut Vec<u8>) -> Self {
        Self { out, first: true }
    }

    /// A comma where needed, the name, a colon. `name` needs no escapes.
    pub(crate) fn name(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// A number of at most 32 bits, unless it is 0.
    pub(crate) fn number(&mut self, name: &str, number: impl Into<i64>) {
        let number: i64 = number.into();
        if number != 0 {
            display(self.name(name), number);
        }
    }

    /// An array, unless there are no items.
    pub(crate) fn array<T, E>(
        &mut self,
        name: &str,
        items: impl Iterator<Item = Result<T, E>>,
        write: impl FnMut(&mut Vec<u8>, T) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut items = items.peekable();
        if items.peek().is_some() {
            array(self.name(name), items, write)
        } else {
            Ok(())
        }
    }
}

/// An array.
pub(crate) fn array<T, E>(
    out: &mut Vec<u8>,
    items: impl Iterator<Item = Result<T, E>>,
    mut write: impl FnMut(&mut Vec<u8>, T) -> Result<(), E>,
) -> Result<(), E> {
    out.push(b'[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, item?)?;
    }
    out.push(b']');
    Ok(())
}

/// A string with its quotes and escapes.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    spanwire_kernels::json::string(text, out);
}

/// Bytes as a base64 string.
pub(crate) fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    base64::encode(bytes, out);
    out.push(b'"');
}

/// A double: the shortest text that reads back the same, or a string where JSON has no number.
pub(crate) fn double(out: &mut Vec<u8>, value: f64) {
    if value.is_finite() {
        let _ = serde_json::to_writer(out, &value);
    } else if value.is_nan() {
        out.extend_from_slice(b"\"NaN\"");
    } else if value > 0.0 {
        out.extend_from_slice(b"\"Infinity\"");
    } else {
        out.extend_from_slice(b"\"-Infinity\"");
    }
}

/// What needs neither quotes nor escapes.
pub(crate) fn display(out: &mut Vec<u8>, value: impl Display) {
    // Writing to a Vec does not fail.
    let _ = write!(out, "{value}");
}

/// An id's hex digits as a string.
pub(crate) fn id<const N: usize>(out: &mut Vec<u8>, digits: [u8; N]) {
    out.push(b'"');
    out.extend_from_slice(&digits);
    out.push(b'"');
}

/// What needs quotes but no escapes.
pub(crate) fn quoted(out: &mut Vec<u8>, value: impl Display) {
    let _ = write!(out, "\"{value}\"");
}
