//! What is whole in front of a break, as a request.

use spanwire_wire::error::DecodeErrorKind;
use spanwire_wire::tag::{WireType, export_request, resource_spans};
use spanwire_wire::varint::{decode_varint, decode_varint32};
use spanwire_wire::{Signal, validate};

/// How a field stands in the bytes that it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// All of it is there: tag, length and payload take so many bytes.
    Whole(usize),
    /// It takes so many bytes, and fewer are there. The header of a length-delimited one: number and end of tag and length.
    Cut {
        total: usize,
        number: u32,
        tag: usize,
        header: usize,
    },
    /// Not even its header is whole.
    CutHeader,
    /// A group, whose end is not looked for.
    Group,
    /// No field begins so.
    Bad(DecodeErrorKind),
}

/// Looks at the field that `bytes` begin with.
pub(crate) fn head(bytes: &[u8]) -> Head {
    let (tag, tag_len) = match decode_varint32(bytes) {
        Ok(read) => read,
        Err(DecodeErrorKind::Truncated) => return Head::CutHeader,
        Err(kind) => return Head::Bad(kind),
    };
    if tag < 8 {
        return Head::Bad(DecodeErrorKind::FieldNumberZero);
    }
    let rest = &bytes[tag_len..];
    let (header, payload) = match WireType::from_tag(tag) {
        None => return Head::Bad(DecodeErrorKind::InvalidWireType((tag & 7) as u8)),
        Some(WireType::StartGroup) => return Head::Group,
        Some(WireType::EndGroup) => return Head::Bad(DecodeErrorKind::UnexpectedEndGroup),
        Some(WireType::Fixed32) => (tag_len, 4),
        Some(WireType::Fixed64) => (tag_len, 8),
        Some(WireType::Varint) => match decode_varint(rest) {
            Ok((_, len)) => (tag_len, len),
            Err(DecodeErrorKind::Truncated) => return Head::CutHeader,
            Err(kind) => return Head::Bad(kind),
        },
        Some(WireType::Len) => match decode_varint32(rest) {
            Ok((length, len)) => (tag_len + len, usize::try_from(length).unwrap_or(usize::MAX)),
            Err(DecodeErrorKind::Truncated) => return Head::CutHeader,
            Err(kind) => return Head::Bad(kind),
        },
    };
    let total = header.saturating_add(payload);
    if total <= bytes.len() {
        Head::Whole(total)
    } else {
        let number = if tag & 7 == WireType::Len as u32 { tag >> 3 } else { 0 };
        Head::Cut {
            total,
            number,
            tag: tag_len,
            header,
        }
    }
}

/// The part of a broken request in front of its break: all whole spans, with what is known of their resources and scopes; and
/// where and why it breaks. `bytes` may be cut.
#[must_use]
pub fn salvage(bytes: &[u8]) -> (Vec<u8>, usize, String) {
    let mut kept = Vec::with_capacity(bytes.len());
    fit(bytes, &CONTAINERS, &mut kept);
    // What is kept stands where it stood, so that offsets are those in `bytes`.
    let (mut at, mut what) = match bad_field(bytes, &CONTAINERS, 0) {
        Some((at, kind)) => (at, kind.to_string()),
        None => (bytes.len(), cut_text(bytes)),
    };
    // An error inside what is whole comes before that.
    while let Err(error) = validate(Signal::Traces, &kept) {
        (at, what) = (error.offset, error.kind.to_string());
        let before = kept[..error.offset.min(kept.len() - 1)].to_vec();
        kept.clear();
        fit(&before, &CONTAINERS, &mut kept);
    }
    (kept, at, what)
}

/// The first field that is none, in the containers on the way to where `bytes` end.
fn bad_field(bytes: &[u8], containers: &[u32], base: usize) -> Option<(usize, DecodeErrorKind)> {
    let mut at = 0;
    while at < bytes.len() {
        match head(&bytes[at..]) {
            Head::Whole(total) => at += total,
            Head::Bad(kind) => return Some((base + at, kind)),
            Head::Group => return Some((base + at, DecodeErrorKind::UnterminatedGroup)),
            Head::Cut { number, header, .. } if containers.first() == Some(&number) => {
                return bad_field(&bytes[at + header..], &containers[1..], base + at + header);
            }
            Head::Cut { .. } | Head::CutHeader => return None,
        }
    }
    None
}

/// Where in a request spans are: fields that hold them, from the outside in.
const CONTAINERS: [u32; 2] = [export_request::RESOURCE_SPANS, resource_spans::SCOPE_SPANS];

/// Appends the whole fields of `bytes`; a container that is cut ends where the bytes end. Its length keeps its width, padded as
/// protobuf allows, so that nothing moves.
fn fit(bytes: &[u8], containers: &[u32], out: &mut Vec<u8>) {
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        match head(rest) {
            Head::Whole(total) => {
                out.extend_from_slice(&rest[..total]);
                at += total;
            }
            Head::Cut {
                number, tag, header, ..
            } if containers.first() == Some(&number) => {
                out.extend_from_slice(&rest[..tag]);
                let length_at = out.len();
                out.resize(length_at + header - tag, 0);
                fit(&rest[header..], &containers[1..], out);
                let length = out.len() - length_at - (header - tag);
                padded(length, &mut out[length_at..length_at + header - tag]);
                return;
            }
            _ => return,
        }
    }
}

/// `value` as a varint that fills `into`, which held a larger one.
fn padded(mut value: usize, into: &mut [u8]) {
    let last = into.len().saturating_sub(1);
    for (at, byte) in into.iter_mut().enumerate() {
        *byte = value.to_le_bytes()[0] & 0x7F | if at < last { 0x80 } else { 0 };
        value >>= 7;
    }
}

/// How a cut request ends.
fn cut_text(bytes: &[u8]) -> String {
    let (mut rest, mut missing) = (bytes, 0);
    loop {
        match head(rest) {
            Head::Whole(total) => rest = &rest[total..],
            Head::Cut { total, .. } => {
                missing = total - rest.len();
                break;
            }
            _ => break,
        }
        if rest.is_empty() {
            break;
        }
    }
    match missing {
        0 => "the data ends inside a message".to_owned(),
        missing => format!("the data ends inside a message, {missing} bytes before its end"),
    }
}
