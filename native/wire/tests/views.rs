//! The typed views of logs, metrics and profiles read what the schema says, in every form that protobuf allows.

#![allow(clippy::unwrap_used, reason = "a test: it may fail")]

mod common;
#[path = "common/strategies.rs"]
mod strategies;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::by_schema::{self, Seen};
use common::{random, typed};
use proptest::prelude::*;
use spanwire_wire::schema::{Kind, Type};
use spanwire_wire::{LogsRequest, Signal, TraceId, TraceRequest, envelope, validate};

const SIGNALS: [Signal; 3] = [Signal::Logs, Signal::Metrics, Signal::Profiles];

/// Every field that a view reads, of the messages below `of`.
fn viewed(of: Type, fields: &mut Seen) {
    for field in of.fields().iter().filter(|field| by_schema::is_viewed(of, field)) {
        if fields.insert((of.name(), field.name))
            && let Kind::Message(inner) = field.kind
            && inner != Type::Sample
        {
            viewed(inner, fields);
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "long, and nothing unsafe in it")]
fn random_requests_have_every_field() {
    for signal in SIGNALS {
        let (mut seen, mut expected) = (BTreeSet::new(), BTreeSet::new());
        viewed(signal.request(), &mut expected);
        for seed in 0..4000 {
            let bytes = random::request(signal, seed);
            by_schema::request(signal, &bytes, &mut seen).unwrap();
        }
        let unseen: Vec<_> = expected.difference(&seen).collect();
        assert!(unseen.is_empty(), "{unseen:?}");
    }
}

/// The trace ids of a request's items, by the views.
fn trace_ids(signal: Signal, bytes: &[u8]) -> Vec<TraceId> {
    macro_rules! ids {
        ($request:expr) => {{
            let scopes = $request.resources().flat_map(|group| group.unwrap().scopes());
            let items = scopes.flat_map(|group| group.unwrap().items());
            items.map(|item| item.unwrap().trace_id()).collect()
        }};
    }
    if signal == Signal::Traces {
        ids!(TraceRequest::new(bytes))
    } else {
        ids!(LogsRequest::new(bytes))
    }
}

/// `Signal::trace_id` of each item.
fn trace_ids_by_signal(signal: Signal, bytes: &[u8]) -> Vec<TraceId> {
    let items = envelope::items(signal, bytes).map(|placed| placed.unwrap().item.bytes());
    let ids = items.map(|item| signal.trace_id(item).unwrap().try_into().map(TraceId::new));
    ids.map(Result::unwrap_or_default).collect()
}

/// The seeds were written by the official protobuf, and `corpus.rs` holds what the views read of them against it.
#[test]
#[cfg_attr(miri, ignore = "many files")]
fn trace_ids_of_official_requests_are_those_that_the_views_read() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/request");
    let mut valid = 0;
    for seed in fs::read_dir(seeds).unwrap() {
        let bytes = fs::read(seed.unwrap().path()).unwrap();
        if validate(Signal::Traces, &bytes).is_ok() {
            let ids = trace_ids(Signal::Traces, &bytes);
            assert_eq!(trace_ids_by_signal(Signal::Traces, &bytes), ids);
            valid += ids.iter().filter(|id| id.is_valid()).count();
        }
    }
    assert!(valid > 30, "{valid} ids");
}

proptest! {
    #![proptest_config(strategies::cases(2000))]

    #[test]
    #[cfg_attr(miri, ignore = "long, and nothing unsafe in it")]
    fn views_read_what_the_schema_says(seed: u64, which in 0..3_usize) {
        let signal = SIGNALS[which];
        let bytes = random::request(signal, seed);
        prop_assert!(validate(signal, &bytes).is_ok());
        let expected = by_schema::request(signal, &bytes, &mut Seen::new());
        prop_assert_eq!(typed::request(signal, &bytes), expected);
    }

    #[test]
    #[cfg_attr(miri, ignore = "long, and nothing unsafe in it")]
    fn damaged_requests_are_read_alike_or_refused(seed: u64, which in 0..3_usize, at: prop::sample::Index, byte: u8) {
        let signal = SIGNALS[which];
        let mut bytes = random::request(signal, seed);
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let read = typed::request(signal, &bytes);
        match validate(signal, &bytes) {
            Ok(_) => prop_assert_eq!(read, by_schema::request(signal, &bytes, &mut Seen::new())),
            Err(error) => {
                let found = read.err().unwrap_or(error);
                prop_assert!(found.offset <= bytes.len(), "{}", found);
            }
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "long, and nothing unsafe in it")]
    fn trace_ids_are_those_that_the_views_read(seed: u64, is_log: bool) {
        let signal = if is_log { Signal::Logs } else { Signal::Traces };
        let bytes = random::request(signal, seed);
        prop_assert_eq!(trace_ids_by_signal(signal, &bytes), trace_ids(signal, &bytes));
    }
}
