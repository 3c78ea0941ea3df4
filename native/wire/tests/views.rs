//! The typed views of logs, metrics and profiles read what the schema says, in every form that protobuf allows.

#![allow(clippy::unwrap_used, reason = "a test: it may fail")]

mod common;
#[path = "common/strategies.rs"]
mod strategies;

use std::collections::BTreeSet;

use common::by_schema::{self, Seen};
use common::{random, typed};
use proptest::prelude::*;
use spanwire_wire::schema::{Kind, Type};
use spanwire_wire::{Signal, validate};

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
}
