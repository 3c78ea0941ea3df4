//! Cutting a request in two between two spans: both halves are requests, with the resource and scope of their spans.

use spanwire_wire::{Signal, envelope};

/// A part of a request: its bytes, and its spans.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Part {
    pub bytes: Vec<u8>,
    pub spans: u64,
}

impl From<envelope::Part> for Part {
    fn from(part: envelope::Part) -> Self {
        Self {
            bytes: part.bytes,
            spans: part.items as u64,
        }
    }
}

/// [`envelope::cut`] of traces.
pub fn split(request: &[u8], first: Option<usize>) -> Option<(Part, Part)> {
    envelope::cut(Signal::Traces, request, first).map(|(left, right)| (left.into(), right.into()))
}

/// [`envelope::divide`] of traces.
pub fn divide(request: &[u8], count: usize, of: impl Fn(&[u8]) -> usize) -> Option<Vec<(usize, Part)>> {
    let parts = envelope::divide(Signal::Traces, request, count, of)?;
    Some(parts.into_iter().map(|(to, part)| (to, part.into())).collect())
}

/// [`envelope::without_broken`] of traces.
pub fn without_broken(request: &[u8]) -> Option<(Part, u64)> {
    envelope::without_broken(Signal::Traces, request).map(|(rest, broken)| (rest.into(), broken as u64))
}

/// [`envelope::smallest`] of traces.
pub fn smallest(request: &[u8]) -> Option<usize> {
    envelope::smallest(Signal::Traces, request)
}

#[cfg(test)]
mod tests;
