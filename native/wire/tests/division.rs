//! Laws of dividing requests of spans, read back by the views of spans, which share nothing with the dividing.

use proptest::prelude::*;
use spanwire_wire::envelope::{cut, divide, without_broken};
use spanwire_wire::tag::{self, len_tag};
use spanwire_wire::write::Header;
use spanwire_wire::{Signal, TraceRequest};

fn field(number: u32, content: &[u8]) -> Vec<u8> {
    let mut bytes = Header::new(len_tag(number), content.len()).as_slice().to_vec();
    bytes.extend_from_slice(content);
    bytes
}

/// A byte that says which trace a span of this name is of.
fn tell(name: &[u8]) -> u8 {
    name.iter()
        .fold(1, |sum, &byte| sum.wrapping_mul(31).wrapping_add(byte))
}

/// A resource, a scope and a span that are told apart by a number; other fields stand in front of the spans and behind.
fn scope(number: u8, spans: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = field(tag::scope_spans::SCOPE, &field(tag::scope::NAME, &[b'a' + number]));
    for span in spans {
        let both = [
            field(tag::span::TRACE_ID, &[tell(span); 16]),
            field(tag::span::NAME, span),
        ]
        .concat();
        bytes.extend(field(tag::scope_spans::SPANS, &both));
    }
    bytes.extend(field(tag::scope_spans::SCHEMA_URL, b"scope's"));
    bytes
}

fn resource(number: u8, scopes: &[Vec<Vec<u8>>]) -> Vec<u8> {
    let dropped = [0x10, number];
    let mut bytes = field(tag::resource_spans::RESOURCE, &dropped);
    for (scope_number, spans) in (0..).zip(scopes) {
        bytes.extend(field(tag::resource_spans::SCOPE_SPANS, &scope(scope_number, spans)));
    }
    bytes.extend(field(tag::resource_spans::SCHEMA_URL, b"resource's"));
    bytes
}

fn request(resources: &[Vec<Vec<Vec<u8>>>]) -> Vec<u8> {
    (0..)
        .zip(resources)
        .flat_map(|(number, scopes)| field(tag::export_request::RESOURCE_SPANS, &resource(number, scopes)))
        .collect()
}

/// All spans, each with what it is of: as a reader of the wire crate sees them, which shares nothing with the splitting.
fn spans(bytes: &[u8]) -> Vec<String> {
    let mut seen = Vec::new();
    for resource in TraceRequest::new(bytes).resources() {
        let resource = resource.expect("readable");
        let number = resource.resource().expect("given").dropped_attributes_count();
        for scope in resource.scopes() {
            let scope = scope.expect("readable");
            let name = scope.scope().expect("given").name();
            for span in scope.items() {
                let span = span.expect("readable").name().to_owned();
                let (of, and) = (resource.schema_url(), scope.schema_url());
                seen.push(format!("{number} {of} {name} {and} {span}"));
            }
        }
    }
    seen
}

fn requests() -> impl Strategy<Value = Vec<Vec<Vec<Vec<u8>>>>> {
    let span = prop::collection::vec(b'a'..=b'z', 0..300);
    let spans = prop::collection::vec(span, 0..6);
    prop::collection::vec(prop::collection::vec(spans, 0..4), 0..4)
}

proptest! {
    #[test]
    fn splitting_down_to_single_spans_keeps_all_spans_with_their_groups_in_order(resources in requests(), first in 0usize..2000) {
        let whole = request(&resources);
        let mut parts = vec![whole.clone()];
        let mut seen = Vec::new();
        while let Some(part) = parts.pop() {
            if let Some((left, right)) = cut(Signal::Traces, &part, Some(first)) {
                prop_assert_eq!(left.items, spans(&left.bytes).len());
                prop_assert_eq!(right.items, spans(&right.bytes).len());
                prop_assert!(left.items > 0 && right.items > 0);
                parts.extend([right.bytes, left.bytes]);
            } else {
                prop_assert!(spans(&part).len() < 2);
                seen.extend(spans(&part));
            }
        }
        prop_assert_eq!(seen, spans(&whole));
    }

    #[test]
    fn both_halves_are_about_as_long(resources in requests()) {
        let whole = request(&resources);
        if let Some((left, right)) = cut(Signal::Traces, &whole, None) {
            // The longest span and the heads of all groups.
            prop_assert!(left.bytes.len().max(right.bytes.len()) <= whole.len() / 2 + 330 + 16 * 40);
            prop_assert!(left.bytes.len().max(right.bytes.len()) < whole.len());
        }
    }

    #[test]
    fn dividing_keeps_all_spans_with_their_groups_each_where_it_belongs(resources in requests(), count in 1usize..6) {
        // Here a span's name says its trace: both are asked for apart.
        let whole = request(&resources);
        let of = |id: &[u8]| usize::from(id[0]) % count;
        let parts = divide(Signal::Traces, &whole, count, of).expect("readable");
        let mut seen = Vec::new();
        for (to, part) in &parts {
            let inside = spans(&part.bytes);
            prop_assert_eq!(part.items, inside.len());
            prop_assert!(!inside.is_empty());
            for span in &inside {
                let name = span.rsplit(' ').next().expect("a name");
                prop_assert_eq!(usize::from(tell(name.as_bytes())) % count, *to);
            }
            // Those of one endpoint stay in order.
            let all = spans(&whole);
            let mut rest = all.iter();
            prop_assert!(inside.iter().all(|span| rest.any(|other| other == span)));
            seen.extend(inside);
        }
        let mut expected = spans(&whole);
        seen.sort();
        expected.sort();
        prop_assert_eq!(seen, expected);
    }

    #[test]
    fn any_bytes_are_split_or_not(bytes in prop::collection::vec(any::<u8>(), 0..200), first in 0usize..200) {
        if let Some((left, right)) = cut(Signal::Traces, &bytes, Some(first)) {
            prop_assert!(left.items > 0 && right.items > 0);
        }
        let parts = divide(Signal::Traces, &bytes, 3, |id| id.len() % 3).unwrap_or_default();
        prop_assert!(parts.iter().all(|(_, part)| part.items > 0));
    }

    #[test]
    fn a_cut_request_is_not_split(resources in requests(), missing in 1usize..100) {
        let whole = request(&resources);
        let len = whole.len().saturating_sub(missing);
        let _ = cut(Signal::Traces, &whole[..len], Some(len / 2)); // no panic
    }
}

#[test]
fn unknown_fields_of_groups_are_in_both_halves() {
    let unknown = field(15, b"later");
    let mut scope = scope(0, &[vec![b'x'], vec![b'y']]);
    scope.extend_from_slice(&unknown);
    let mut resource = unknown.clone();
    resource.extend(field(tag::resource_spans::SCOPE_SPANS, &scope));
    let whole = field(tag::export_request::RESOURCE_SPANS, &resource);
    let (left, right) = cut(Signal::Traces, &whole, Some(0)).expect("two spans");
    for half in [left, right] {
        let twice = half
            .bytes
            .windows(unknown.len())
            .filter(|seen| *seen == unknown)
            .count();
        assert_eq!((half.items, twice), (1, 2));
    }
}

#[test]
fn spans_that_are_not_whole_are_left_out() {
    let names = |from: u8| (from..from + 3).map(|name| vec![name; 5]).collect::<Vec<_>>();
    let whole = request(&[vec![names(b'a'), names(b'd')], vec![names(b'g')]]);
    assert_eq!(without_broken(Signal::Traces, &whole), None);
    let all = spans(&whole);
    for (fill, len) in [(0, 4), (0xff, 2)] {
        let mut damaged = whole.clone();
        let at = damaged.windows(5).position(|five| five == b"eeeee").expect("its name");
        damaged[at - 2..at - 2 + len].fill(fill); // the name's tag, and what follows
        let (rest, lost) = without_broken(Signal::Traces, &damaged).expect("one");
        assert_eq!((lost, rest.items), (1, 8));
        let left: Vec<_> = all.iter().filter(|span| !span.contains("eeeee")).cloned().collect();
        assert_eq!(spans(&rest.bytes), left);
    }
    assert_eq!(without_broken(Signal::Traces, b"\0no request"), None);
}
