//! Which format a file has, by its first bytes.

use spanwire_wire::{Signal, validate};

use crate::input::{Input, MAX_MESSAGE};
use crate::salvage::{Head, head};
use crate::unpack::Compression;

/// How requests stand in a file, after decompression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Requests as protobuf, one after the other, which is one request.
    Protobuf,
    /// Requests as protobuf, the length of each before it as a varint.
    Delimited,
    /// Requests as protobuf or JSON, the length of each before it in four bytes, high byte first. Each may be compressed. The
    /// Collector's file exporter writes so with `format: proto`, or with a compression.
    Prefixed,
    /// OTLP/JSON: one document when written, any number when read.
    Json,
    /// OTLP/JSON, a request a line, as the Collector's file exporter writes.
    JsonLines,
}

impl Format {
    /// All of them, for people.
    pub const ALL: [Self; 5] = [
        Self::Protobuf,
        Self::Delimited,
        Self::Prefixed,
        Self::Json,
        Self::JsonLines,
    ];

    /// The format of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Protobuf => "protobuf",
            Self::Delimited => "delimited",
            Self::Prefixed => "prefixed",
            Self::Json => "json",
            Self::JsonLines => "jsonl",
        }
    }
}

/// Bytes that a length in front of a request takes, at most.
const MAX_LENGTH: usize = 5;

/// How far a guess looks.
const FAR: usize = 64 << 10;

/// The most likely format, if one fits at all. Nothing is a request as protobuf.
pub(crate) fn detect(input: &mut Input) -> Option<Format> {
    if begins_json(input) {
        return Some(Format::Json);
    }
    let bytes = input.fill(FAR);
    if bytes.is_empty() {
        return Some(Format::Protobuf);
    }
    let scores = [
        (Format::Protobuf, first_field(bytes, usize::MAX)),
        (Format::Prefixed, prefixed(bytes)),
        (Format::Delimited, delimited(bytes)),
    ];
    let best = scores.iter().map(|(_, score)| *score).max().unwrap_or(Score::Not);
    scores
        .into_iter()
        .find(|(_, score)| *score == best && best > Score::Not)
        .map(|(format, _)| format)
}

/// How well bytes fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Score {
    Not,
    Hardly,
    Begins,
    Whole,
}

/// Whether an object begins, after white space and a byte order mark.
fn begins_json(input: &mut Input) -> bool {
    let mut far = 16;
    loop {
        let bytes = input.fill(far);
        let at_end = bytes.len() < far;
        match is_object(bytes) {
            Some(is) => return is,
            None if at_end || far >= FAR => return bytes.contains(&b'{'),
            None => far *= 4,
        }
    }
}

/// Whether these bytes begin an object: `{` and then a name or its end. `None`: more of them would tell. Lengths in protobuf can
/// be brackets, quotes and white space, but what comes after three of them is no letter.
pub(crate) fn is_object(bytes: &[u8]) -> Option<bool> {
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let mut signs = text.iter().filter(|byte| !is_space(**byte));
    if *signs.next()? != b'{' {
        return Some(false);
    }
    match *signs.next()? {
        b'}' => Some(true),
        b'"' => Some(signs.next()?.is_ascii_graphic()),
        _ => Some(false),
    }
}

pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

pub(crate) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// `bytes` as the beginning of a request of at most `most` bytes.
fn first_field(bytes: &[u8], most: usize) -> Score {
    let total = match head(bytes) {
        Head::Whole(total) | Head::Cut { total, .. } if bytes.first() == Some(&RESOURCE_SPANS) => total,
        _ => return Score::Not,
    };
    if total > most {
        return Score::Not;
    }
    if total <= bytes.len() {
        return if validate(Signal::Traces, &bytes[..total]).is_ok() {
            Score::Whole
        } else {
            Score::Hardly
        };
    }
    let content = bytes.get(header_len(bytes)..).unwrap_or_default();
    match (content.first(), head(content)) {
        // Resource, scopes or schema, which fits into what it is in.
        (Some(0x0A | 0x12 | 0x1A), Head::Whole(inner) | Head::Cut { total: inner, .. }) if inner < total => {
            Score::Begins
        }
        (None, _) => Score::Hardly,
        _ => Score::Not,
    }
}

const RESOURCE_SPANS: u8 = 0x0A;

fn header_len(bytes: &[u8]) -> usize {
    match head(bytes) {
        Head::Cut { header, .. } => header,
        _ => 0,
    }
}

/// `bytes` as the beginning of a request of `size` bytes.
fn request(bytes: &[u8], size: usize) -> Score {
    if size > MAX_MESSAGE {
        return Score::Not;
    }
    match bytes.get(..size) {
        // A few bytes of something else can be fields that nobody knows.
        Some(whole) if whole.first() == Some(&RESOURCE_SPANS) && validate(Signal::Traces, whole).is_ok() => {
            Score::Whole
        }
        // Its own end is missing.
        None if bytes.len() < FAR - MAX_LENGTH => first_field(bytes, size).min(Score::Hardly),
        _ => first_field(bytes, size).min(Score::Begins),
    }
}

fn prefixed(mut bytes: &[u8]) -> Score {
    // Empty requests are stepped over.
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let size = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if size > 0 {
            return if is_object(rest) == Some(true) || Compression::detect(rest).is_some() {
                Score::Begins
            } else {
                request(rest, size)
            };
        }
        if rest.is_empty() {
            return Score::Hardly;
        }
        bytes = rest;
    }
    Score::Not
}

fn delimited(bytes: &[u8]) -> Score {
    match spanwire_wire::varint::decode_varint32(bytes) {
        Ok((0, _)) | Err(_) => Score::Not,
        Ok((size, len)) => request(&bytes[len..], usize::try_from(size).unwrap_or(usize::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_few_bytes_that_are_unknown_fields_by_chance_are_no_request() {
        // Spans of a resource, 777,888 bytes. With a length in front, its first ten bytes would be two fields.
        let mut bytes = b"\x0a\xa0\xcd\x2f\x0a\xcd\x02\x0a\x19\x0a\x0c".to_vec();
        assert!(validate(Signal::Traces, &bytes[1..]).is_ok());
        bytes.resize(FAR + 1, b'a');
        let mut input = Input::new(Box::new(Cursor::new(bytes)));
        assert_eq!(detect(&mut input), Some(Format::Protobuf));
    }
}
