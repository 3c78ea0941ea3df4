//! Cutting a request in two between two items: both halves are requests, with the resource and scope of their items.

use spanwire_wire::{Signal, envelope};

/// A part of a request: its bytes, and how many items it has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Part {
    pub bytes: Vec<u8>,
    pub items: u64,
}

impl From<envelope::Part> for Part {
    fn from(part: envelope::Part) -> Self {
        Self {
            bytes: part.bytes,
            items: part.items as u64,
        }
    }
}

/// [`envelope::cut`]
pub fn split(signal: Signal, request: &[u8], first: Option<usize>) -> Option<(Part, Part)> {
    envelope::cut(signal, request, first).map(|(left, right)| (left.into(), right.into()))
}

/// [`envelope::divide`]
pub fn divide(signal: Signal, request: &[u8], count: usize, of: impl Fn(&[u8]) -> usize) -> Option<Vec<(usize, Part)>> {
    let parts = envelope::divide(signal, request, count, of)?;
    Some(parts.into_iter().map(|(to, part)| (to, part.into())).collect())
}

/// [`envelope::without_broken`]
pub fn without_broken(signal: Signal, request: &[u8]) -> Option<(Part, u64)> {
    envelope::without_broken(signal, request).map(|(rest, broken)| (rest.into(), broken as u64))
}

/// [`envelope::smallest`]
pub fn smallest(signal: Signal, request: &[u8]) -> Option<usize> {
    envelope::smallest(signal, request)
}

#[cfg(test)]
mod tests;
