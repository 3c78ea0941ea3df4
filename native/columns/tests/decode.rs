//! Decoding against wire's readers: the same spans, the same errors, and bounds that hold for any input.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::unwrap_used,
    reason = "a test: small numbers, and it may fail"
)]

#[path = "../../wire/tests/common/mod.rs"]
mod common;
mod rows;
#[path = "../../wire/tests/common/strategies.rs"]
mod strategies;

use std::fs;
use std::path::Path;

use common::model::{self, KeyValue, Value};
use common::plain::{self, Noise};
use common::{read, sample};
use proptest::collection::vec;
use proptest::prelude::*;
use spanwire_columns::decode::{DecodeError, Decoded, Values, decode};
use spanwire_wire::{Signal, validate};

/// Decodes, or refuses, as wire's readers do; the columns if there are any.
#[track_caller]
fn check(bytes: &[u8]) -> Option<Decoded> {
    match (decode(bytes), validate(Signal::Traces, bytes)) {
        (Ok(decoded), Ok(counts)) => {
            assert_eq!(decoded.rows, counts.items);
            let expected = rows::flattened(&read::request(bytes).unwrap());
            assert_eq!(rows::of(bytes, &decoded), expected);
            Some(decoded)
        }
        (Err(DecodeError::Malformed(error)), Err(expected)) => {
            assert_eq!(error, expected);
            None
        }
        (decoded, validated) => panic!("{decoded:?}, but {validated:?}"),
    }
}

fn check_request(request: &model::Request) -> Decoded {
    check(&plain::request(request, &mut Noise::none())).unwrap()
}

/// A request of spans with nothing but these attributes.
fn spans_with(attributes: impl IntoIterator<Item = Vec<KeyValue>>) -> model::Request {
    let spans = attributes.into_iter().map(|attributes| model::Span {
        attributes,
        ..Default::default()
    });
    let scopes = vec![model::ScopeSpans {
        spans: spans.collect(),
        ..Default::default()
    }];
    let resources = vec![model::ResourceSpans {
        scopes,
        ..Default::default()
    }];
    model::Request { resources }
}

fn int(key: &str, value: i64) -> KeyValue {
    sample::attribute(key, Value::Int(value))
}

/// The keys of the columns, in order.
fn keys(request: &model::Request, decoded: &Decoded) -> Vec<String> {
    let bytes = plain::request(request, &mut Noise::none());
    let columns = decoded.attributes.columns.iter();
    columns
        .map(|column| String::from_utf8(rows::bytes(&bytes, decoded, column.key).to_vec()).unwrap())
        .collect()
}

fn ragged(decoded: &Decoded) -> usize {
    decoded.attributes.ragged.as_ref().map_or(0, |ragged| ragged.keys.len())
}

#[test]
fn every_field_of_a_span_is_in_a_column() {
    let decoded = check_request(&sample::request());
    assert_eq!((decoded.rows, decoded.groups.len()), (2, 1));
    assert!(decoded.events.is_some() && decoded.links.is_some() && decoded.extra.is_empty());
}

#[test]
fn columns_are_in_the_merged_order_of_the_rows() {
    let request = spans_with([
        vec![int("a", 1), int("c", 2)],
        vec![int("a", 3), int("b", 4), int("c", 5), int("d", 6)],
        vec![int("x", 7), int("a", 8)],
    ]);
    let decoded = check_request(&request);
    assert_eq!(keys(&request, &decoded), ["x", "a", "b", "c", "d"]);
    assert_eq!(ragged(&decoded), 0);
    let absent: Vec<_> = decoded
        .attributes
        .columns
        .iter()
        .map(|column| column.absent.clone())
        .collect();
    let expected = [
        Some(vec![1, 1, 0]),
        None,
        Some(vec![1, 0, 1]),
        Some(vec![0, 0, 1]),
        Some(vec![1, 0, 1]),
    ];
    assert_eq!(absent, expected);
}

#[test]
fn what_does_not_fit_is_ragged_with_all_behind_it() {
    let text = |key| sample::attribute(key, Value::Str("text".into()));
    let first = vec![int("a", 1), int("b", 1), int("c", 1)];
    for (row, ragged_count) in [
        (vec![int("a", 1), int("b", 1), int("c", 1)], 0),
        (vec![int("b", 1), int("a", 1), int("c", 1)], 2),
        (vec![int("a", 1), int("a", 1), int("c", 1)], 2),
        (vec![int("a", 1), text("b"), int("c", 1)], 2),
        (vec![int("a", 1), int("c", 1), int("b", 1)], 1),
    ] {
        let request = spans_with([first.clone(), row.clone()]);
        assert_eq!(ragged(&check_request(&request)), ragged_count, "{row:?}");
    }
}

#[test]
fn a_key_whose_first_value_is_an_array_has_a_column_of_any_values() {
    let array = |values| sample::attribute("a", Value::Array(values));
    let request = spans_with([
        vec![array(vec![Value::Int(1)]), int("b", 1)],
        vec![int("a", 2), int("b", 2)],
        vec![sample::attribute("a", Value::Empty), int("b", 3)],
    ]);
    let decoded = check_request(&request);
    assert_eq!(ragged(&decoded), 0);
    assert!(matches!(decoded.attributes.columns[0].values, Values::Any(_)));
}

#[test]
fn equal_resources_and_scopes_are_one_group_however_often_they_come() {
    let bytes = plain::request(&sample::request(), &mut Noise::none());
    let twice = check(&bytes.repeat(2)).unwrap();
    assert_eq!((twice.rows, twice.groups.len(), twice.group), (4, 1, None));
    let mut other = sample::request();
    other.resources[0].schema_url = "other".into();
    let other = plain::request(&other, &mut Noise::none());
    let mixed = check(&[&bytes[..], &other, &bytes].concat()).unwrap();
    assert_eq!((mixed.groups.len(), mixed.group), (2, Some(vec![0, 0, 1, 1, 0, 0])));
}

#[test]
fn rare_keys_have_no_column_where_there_are_too_many_of_them() {
    // A thousand keys on one span each, and one key on each of many empty spans.
    let rare = (0..1000).map(|number| vec![int(&format!("rare.{number}"), number)]);
    let common = (0..20_000).map(|number| vec![int("common", number)]);
    let request = spans_with(rare.chain(common));
    let bytes = plain::request(&request, &mut Noise::none());
    let decoded = check(&bytes).unwrap();
    assert!(keys(&request, &decoded).contains(&"common".into()));
    assert!(ragged(&decoded) > 900, "{}", ragged(&decoded));
    assert!(
        rows::size(&decoded) < 8 * bytes.len(),
        "{} of {}",
        rows::size(&decoded),
        bytes.len()
    );
}

#[test]
fn columns_take_a_bounded_multiple_of_the_input() {
    // Keys that come once near the begin and once near the end, in waves; for spans, events and links.
    let row = |number: usize| {
        let key = format!("{}", number % 7919);
        if number.is_multiple_of(3) {
            vec![int(&key, 1), int("z", 1)]
        } else {
            vec![]
        }
    };
    let mut request = spans_with((0..20_000).map(row));
    let spans = &mut request.resources[0].scopes[0].spans;
    for (number, span) in spans.iter_mut().enumerate() {
        span.events = vec![model::Event {
            attributes: row(number + 1),
            ..Default::default()
        }];
        span.links = vec![model::Link {
            attributes: row(number + 2),
            ..Default::default()
        }];
    }
    let bytes = plain::request(&request, &mut Noise::none());
    let decoded = check(&bytes).unwrap();
    let bound = 6 * bytes.len() + 310 * 20_000;
    assert!(rows::size(&decoded) < bound, "{} > {bound}", rows::size(&decoded));
}

#[test]
fn the_corpus_is_taken_or_refused_as_wire_does() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wire/fuzz/seeds/request");
    let (mut taken, mut refused) = (0, 0);
    for file in fs::read_dir(seeds).unwrap() {
        match check(&fs::read(file.unwrap().path()).unwrap()) {
            Some(_) => taken += 1,
            None => refused += 1,
        }
    }
    assert!(taken >= 100 && refused >= 40, "{taken} {refused}");
}

#[test]
fn a_request_cut_anywhere_is_refused_as_wire_does() {
    let bytes = plain::request(&sample::request(), &mut Noise::none());
    for cut in 0..bytes.len() {
        check(&bytes[..cut]);
        let mut changed = bytes.clone();
        for bit in 0..8 {
            changed[cut] = bytes[cut] ^ (1 << bit);
            check(&changed);
        }
    }
}

#[test]
fn odd_spans_do_not_change_what_others_become() {
    // Odd ones in runs of every length, between others: read on either way.
    let plain = plain::span(&sample::request().resources[0].scopes[0].spans[0], &mut Noise::none());
    let odd = [&[0x98, 0x3E, 1][..], &plain].concat();
    let field = |span: &[u8]| [spanwire_wire::write::Header::new(0x12, span.len()).as_slice(), span].concat();
    let spans: Vec<u8> = (0..200_usize)
        .flat_map(|at| field(if at % 7 < at / 28 { &odd } else { &plain }))
        .collect();
    let scope = [spanwire_wire::write::Header::new(0x12, spans.len()).as_slice(), &spans].concat();
    let request = [spanwire_wire::write::Header::new(0x0A, scope.len()).as_slice(), &scope].concat();
    let decoded = check(&request).unwrap();
    assert_eq!((decoded.rows, ragged(&decoded) % 200), (200, 0));
}

proptest! {
    #![proptest_config(strategies::cases(400))]

    #[test]
    fn requests_are_decoded_however_they_are_written(request in strategies::request(), seed: u64) {
        let plainly = check(&plain::request(&request, &mut Noise::none())).unwrap();
        let oddly = plain::request(&request, &mut Noise::seeded(seed));
        let oddly = (check(&oddly).unwrap(), oddly);
        prop_assert_eq!(plainly.rows, oddly.0.rows);
    }

    #[test]
    fn changed_requests_are_taken_or_refused_as_wire_does(
        request in strategies::request(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..4),
        seed: u64,
    ) {
        let mut bytes = plain::request(&request, &mut Noise::seeded(seed));
        for (at, byte, change) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match change {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        check(&bytes);
    }

    #[test]
    fn random_bytes_are_taken_or_refused_as_wire_does(bytes in vec(any::<u8>(), 0..200)) {
        check(&bytes);
    }
}
