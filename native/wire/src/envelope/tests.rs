//! Laws of the envelope over random requests of each signal, told apart by a walk of its own.

use std::collections::BTreeMap;
use std::format;
use std::string::String;
use std::vec::Vec;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::protobuf::read::Message;
use crate::protobuf::tag::len_tag;
use crate::protobuf::write::Header;
use crate::signal::Signal;
use crate::{Counts, count_items, validate};

fn field(number: u32, content: &[u8]) -> Vec<u8> {
    [Header::new(len_tag(number), content.len()).as_slice(), content].concat()
}

/// An item: a metric is a gauge of so many points, anything else a message of one unknown field.
fn item(signal: Signal, points: usize, filling: &[u8]) -> Vec<u8> {
    let unknown = field(15 - u32::from(signal == Signal::Traces), &field(1, filling));
    match signal {
        Signal::Metrics => [field(5, &field(1, &[]).repeat(points)), field(13, filling)].concat(),
        Signal::Traces => [field(1, &[filling.first().copied().unwrap_or(0); 16]), field(9, &[])].concat(),
        Signal::Logs => [field(5, &[]), field(9, &[filling.first().copied().unwrap_or(0); 16])].concat(),
        Signal::Profiles => unknown,
    }
}

type Scopes = Vec<Vec<(usize, Vec<u8>)>>;

/// A resource with a number, scopes with numbers; with fields in front of and behind what leads to items.
fn request(signal: Signal, resources: &[Scopes]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (number, scopes) in (0_u8..).zip(resources) {
        let mut group = field(1, &[0x10, number]);
        for (scope_number, items) in (0_u8..).zip(scopes) {
            let mut scope = field(1, &field(1, &[b'a' + scope_number]));
            for (points, filling) in items {
                scope.extend(field(2, &item(signal, *points, filling)));
            }
            scope.extend(field(3, b"scope's"));
            group.extend(field(2, &scope));
        }
        group.extend(field(3, b"resource's"));
        bytes.extend(field(1, &group));
    }
    // The dictionary of profiles; an unknown field elsewhere.
    bytes.extend(field(2, &field(5, b"text")));
    bytes
}

/// The content of each field `number`.
fn children(message: Message<'_>, number: u32) -> impl Iterator<Item = Message<'_>> {
    let fields = message.fields().map(|field| field.expect("well-formed"));
    fields
        .filter(move |field| field.number() == number)
        .map(|field| field.message())
}

/// The other fields of a message.
fn head(message: Message<'_>, number: u32) -> String {
    let fields = message.fields().map(|field| field.expect("well-formed"));
    let others = fields.filter(|field| field.number() != number);
    others
        .map(|field| (field.number(), field.message().bytes()))
        .fold(String::new(), |text, other| format!("{text}{other:?} "))
}

/// All items in order, each with all that is around it.
fn items(bytes: &[u8]) -> Vec<String> {
    let mut seen = Vec::new();
    let request = Message::new(bytes);
    for resource in children(request, 1) {
        for scope in children(resource, 2) {
            for item in children(scope, 2) {
                let (request, resource, scope) = (head(request, 1), head(resource, 2), head(scope, 2));
                seen.push(format!("{request}|{resource}|{scope}|{:?}", item.bytes()));
            }
        }
    }
    seen
}

fn requests() -> impl Strategy<Value = (Signal, Vec<Scopes>)> {
    let filling = vec(any::<u8>(), 0..if cfg!(miri) { 3 } else { 200 });
    let items = vec((0..4_usize, filling), 0..5);
    (0..4_u8, vec(vec(items, 0..4), 0..4))
        .prop_map(|(signal, resources)| (Signal::from_number(signal).expect("one of four"), resources))
}

fn counts(signal: Signal, part: &Part) -> Counts {
    let counts = validate(signal, &part.bytes).expect("well-formed");
    assert_eq!((part.items, part.points), (counts.items, counts.points));
    counts
}

/// A few under Miri, which takes a thousand times as long (and has no files to keep failures in).
fn cases() -> ProptestConfig {
    if cfg!(miri) {
        return ProptestConfig {
            cases: 2,
            failure_persistence: None,
            ..ProptestConfig::default()
        };
    }
    ProptestConfig::default()
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn all_items_written_again_are_the_request_but_for_empty_groups((signal, resources) in requests()) {
        let whole = request(signal, &resources);
        let layout = Layout::of(signal, &whole).expect("well-formed");
        let part = layout.write(layout.items());
        prop_assert_eq!(items(&part.bytes), items(&whole));
        prop_assert_eq!(counts(signal, &part).items, validate(signal, &whole).expect("well-formed").items);
        prop_assert_eq!(count_items(signal, &whole), Ok(part.items));
        if resources.iter().all(|scopes| !scopes.is_empty() && scopes.iter().all(|items| !items.is_empty())) {
            prop_assert_eq!(part.bytes, whole);
        }
    }

    #[test]
    fn parts_within_limits_hold_all_items_in_order((signal, resources) in requests(), most in 1..6_usize, bytes in 0..400_usize) {
        let whole = request(signal, &resources);
        let limits = Limits { items: most, bytes };
        let parts = chunks(signal, &whole, limits).expect("well-formed");
        let seen: Vec<_> = parts.iter().flat_map(|part| items(&part.bytes)).collect();
        prop_assert_eq!(seen, items(&whole));
        for part in &parts {
            let layout = Layout::of(signal, &part.bytes).expect("well-formed");
            let size: usize = layout.items().iter().map(Item::len).sum();
            prop_assert!(part.items == 1 || part.items <= most && size <= bytes);
            counts(signal, part);
        }
    }

    #[test]
    fn cutting_down_to_single_items_keeps_them_in_order((signal, resources) in requests(), first in 0..500_usize) {
        let whole = request(signal, &resources);
        let (mut parts, mut seen) = (Vec::from([whole.clone()]), Vec::new());
        while let Some(part) = parts.pop() {
            if let Some((left, right)) = cut(signal, &part, Some(first)) {
                prop_assert!(counts(signal, &left).items > 0 && counts(signal, &right).items > 0);
                parts.extend([right.bytes, left.bytes]);
            } else {
                prop_assert!(items(&part).len() < 2);
                seen.extend(items(&part));
            }
        }
        prop_assert_eq!(seen, items(&whole));
    }

    #[test]
    fn dividing_by_trace_sends_each_item_where_it_belongs((signal, resources) in requests(), count in 1..5_usize) {
        let whole = request(signal, &resources);
        let of = |id: &[u8]| id.first().map_or(0, |byte| usize::from(*byte) % count);
        let parts: BTreeMap<_, _> = divide(signal, &whole, count, of).expect("well-formed").into_iter().collect();
        let mut seen = Vec::new();
        for (to, part) in &parts {
            counts(signal, part);
            let layout = Layout::of(signal, &part.bytes).expect("well-formed");
            for item in layout.items() {
                let message = layout.message(item).expect("well-formed");
                prop_assert_eq!(of(signal.trace_id(message).expect("well-formed")), *to);
            }
            let (inside, all) = (items(&part.bytes), items(&whole));
            let mut rest = all.iter();
            prop_assert!(inside.iter().all(|item| rest.any(|other| other == item)));
            seen.extend(inside);
        }
        let mut expected = items(&whole);
        seen.sort();
        expected.sort();
        prop_assert_eq!(seen, expected);
    }

    #[test]
    fn items_that_are_not_kept_are_counted((signal, resources) in requests(), odd in any::<bool>()) {
        let whole = request(signal, &resources);
        let mut number = 0;
        let keep = |_: &[u8]| {
            number += 1;
            number % 2 == usize::from(odd)
        };
        let (part, left_out) = prune(signal, &whole, keep).expect("well-formed");
        let all = items(&whole);
        let expected: Vec<_> = all.iter().skip(usize::from(!odd)).step_by(2).cloned().collect();
        prop_assert_eq!(left_out, all.len() - expected.len());
        prop_assert_eq!(items(&part.bytes), expected);
    }

    #[test]
    fn groups_of_single_items_are_the_request((signal, resources) in requests()) {
        let whole = request(signal, &resources);
        let mut groups = Groups::default();
        for resource in children(Message::new(&whole), 1) {
            let at = groups.add_resource(Fields::of(resource));
            for scope in children(resource, 2) {
                let group = (at, groups.add_scope(at, Fields::of(scope)));
                for item in children(scope, 2) {
                    groups.add(group, field(2, item.bytes()));
                }
            }
        }
        let mut bytes = Vec::new();
        groups.write_bytes(&mut |piece| bytes.extend_from_slice(piece));
        prop_assert_eq!(bytes.len(), groups.request_len());
        bytes.extend(field(2, &field(5, b"text")));
        prop_assert_eq!(bytes, whole);
    }

    #[test]
    fn any_bytes_are_divided_or_not(signal in 0..4_u8, bytes in vec(any::<u8>(), 0..200), first in 0..200_usize) {
        let signal = Signal::from_number(signal).expect("one of four");
        if let Some((left, right)) = cut(signal, &bytes, Some(first)) {
            prop_assert!(left.items > 0 && right.items > 0);
        }
        let parts = divide(signal, &bytes, 3, |id| id.len() % 3).unwrap_or_default();
        prop_assert!(parts.iter().all(|(_, part)| part.items > 0));
        let _ = (without_broken(signal, &bytes), smallest(signal, &bytes));
    }
}

/// A group's fields in front of the schema URL, and that.
struct Fields {
    before: Vec<u8>,
    schema_url: Vec<u8>,
}

impl Fields {
    fn of(message: Message<'_>) -> Self {
        let one = |number| {
            children(message, number)
                .next()
                .map_or(Vec::new(), |field| field.bytes().to_vec())
        };
        Self {
            before: field(1, &one(1)),
            schema_url: one(3),
        }
    }
}

impl Head for Fields {
    fn message(&self) -> &[u8] {
        &self.before
    }

    fn schema_url(&self) -> &[u8] {
        &self.schema_url
    }
}

#[test]
fn a_broken_item_is_left_out_and_counted() {
    let good = item(Signal::Logs, 0, b"x");
    let scope = [field(2, &good), field(2, &[0x4A, 3, 1]), field(2, &good)].concat();
    let whole = field(1, &field(2, &scope));
    let (part, broken) = without_broken(Signal::Logs, &whole).expect("one");
    assert_eq!((part.items, broken), (2, 1));
    assert_eq!(without_broken(Signal::Logs, &part.bytes), None);
    assert_eq!(without_broken(Signal::Logs, b"\0no request"), None);
}

/// Found by fuzzing: a list of resources with another wire type was copied as an unknown field.
#[test]
fn a_known_field_with_a_wrong_wire_type_is_refused() {
    for whole in [&[8, 1][..], &field(1, &[0x10, 1]), &field(1, &field(2, &[0x10, 1]))] {
        assert!(Layout::of(Signal::Profiles, whole).is_err(), "{whole:?}");
        assert_eq!(count_items(Signal::Profiles, whole).ok(), None);
    }
}

/// Groups come in several parts and around unknown fields; each item is given with the messages that hold it.
#[test]
fn the_walk_gives_each_item_with_the_groups_around_it() {
    let field = |number: u32, content: &[u8]| {
        let header = Header::new(len_tag(number), content.len());
        [header.as_slice(), content].concat()
    };
    let item = |byte: u8| field(Signal::ITEMS, &[0x7A, 1, byte]);
    let scopes = [
        [field(9, b"?"), item(1), item(2)].concat(),
        [item(3), field(Signal::SCHEMA_URL, b"s")].concat(),
    ];
    let resources = [
        [field(Signal::SCOPES, &scopes[0]), field(Signal::SCOPES, &scopes[1])].concat(),
        field(Signal::SCOPES, &scopes[0]),
        Vec::new(),
    ];
    let request = resources
        .iter()
        .flat_map(|group| field(Signal::RESOURCES, group))
        .collect::<Vec<_>>();
    let found = super::items(Signal::Logs, &request).map(|found| {
        let found = found.expect("well-formed");
        let at = |groups: &[Vec<u8>], bytes: &[u8]| groups.iter().position(|group| group == bytes);
        let resource = at(&resources, found.resource_group.bytes());
        (resource, at(&scopes, found.scope_group.bytes()), found.item.bytes()[2])
    });
    let expected = [(0, 0, 1), (0, 0, 2), (0, 1, 3), (1, 0, 1), (1, 0, 2)];
    let expected = expected.map(|(resource, scope, byte)| (Some(resource), Some(scope), byte));
    assert_eq!(found.collect::<Vec<_>>(), expected);
    // After an error nothing follows.
    let mut broken = super::items(Signal::Logs, &request[..request.len() - 3]);
    assert_eq!(broken.by_ref().filter(Result::is_err).count(), 1);
    assert!(broken.next().is_none());
}
