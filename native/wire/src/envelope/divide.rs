//! Requests made of a request: cut in two, divided by trace, by count and bytes, or without some of its items.

use alloc::vec::Vec;

use super::layout::{Item, Layout, Part};
use crate::protobuf::error::DecodeError;
use crate::protobuf::read::Message;
use crate::schema::validate::{self, validate_part};
use crate::signal::Signal;

/// Cuts a request between two items, so that those of the first part have about `first` bytes, or half of theirs, and
/// each part has an item. `None` if it has fewer than two items, or cannot be read.
#[must_use]
pub fn cut(signal: Signal, request: &[u8], first: Option<usize>) -> Option<(Part, Part)> {
    let layout = Layout::of(signal, request).ok()?;
    let items = layout.items();
    let last = items.len().checked_sub(1).filter(|&last| last > 0)?;
    let first = first.unwrap_or_else(|| items.iter().map(Item::len).sum::<usize>() / 2);
    let mut size = 0;
    let fits = items.iter().take_while(|item| {
        size += item.len();
        size <= first
    });
    let (left, right) = items.split_at(fits.count().clamp(1, last));
    Some((layout.write(left), layout.write(right)))
}

/// Divides a request into at most `count` by what `of` says of each item's trace id (of no bytes, where there is none),
/// in the order of these numbers. `None` if it cannot be read.
pub fn divide(signal: Signal, request: &[u8], count: usize, of: impl Fn(&[u8]) -> usize) -> Option<Vec<(usize, Part)>> {
    let layout = Layout::of(signal, request).ok()?;
    let mut all: Vec<Vec<Item>> = core::iter::repeat_with(Vec::new).take(count).collect();
    for item in layout.items() {
        let to = of(signal.trace_id(layout.message(item).ok()?).ok()?);
        all.get_mut(to)?.push(item.clone());
    }
    let parts = all.iter().enumerate().filter(|(_, items)| !items.is_empty());
    Some(parts.map(|(to, items)| (to, layout.write(items))).collect())
}

/// How much a request may hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Items.
    pub items: usize,
    /// Bytes of items; one item may have more.
    pub bytes: usize,
}

/// Divides a request into parts within limits, in order; a part with one item may be too large.
pub fn chunks(signal: Signal, request: &[u8], limits: Limits) -> Result<Vec<Part>, DecodeError> {
    let layout = Layout::of(signal, request)?;
    let (mut parts, mut rest) = (Vec::new(), layout.items());
    while !rest.is_empty() {
        let mut size = 0;
        let fits = rest.iter().take(limits.items).take_while(|item| {
            size += item.len();
            size <= limits.bytes
        });
        let (part, others) = rest.split_at(fits.count().max(1));
        parts.push(layout.write(part));
        rest = others;
    }
    Ok(parts)
}

/// A request of the items that `keep` takes, and how many it did not.
pub fn prune(
    signal: Signal,
    request: &[u8],
    mut keep: impl FnMut(&[u8]) -> bool,
) -> Result<(Part, usize), DecodeError> {
    let layout = Layout::of(signal, request)?;
    let mut kept = Vec::with_capacity(layout.items().len());
    for item in layout.items() {
        if keep(layout.message(item)?) {
            kept.push(item.clone());
        }
    }
    Ok((layout.write(&kept), layout.items().len() - kept.len()))
}

/// A request without the items that are not well-formed, and how many these are. `None` if all are, or if what is around
/// them cannot be read.
#[must_use]
pub fn without_broken(signal: Signal, request: &[u8]) -> Option<(Part, usize)> {
    let is_whole = |item: &[u8]| validate_part(validate::Part::Item(signal), Message::new(item)).is_ok();
    prune(signal, request, is_whole).ok().filter(|(_, broken)| *broken > 0)
}

/// Bytes of the smallest request that could be made of one of the items, give or take the lengths around it; nothing if
/// there are several scopes, or the request cannot be read.
#[must_use]
pub fn smallest(signal: Signal, request: &[u8]) -> Option<usize> {
    let layout = Layout::of(signal, request).ok()?;
    let all = layout.items().iter().map(Item::len).sum::<usize>();
    let least = layout.items().iter().map(Item::len).min()?;
    (layout.scopes() == 1).then_some(request.len() - all + least)
}
