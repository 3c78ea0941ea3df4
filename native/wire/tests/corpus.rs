//! The seed corpus of the fuzz targets, read and compared with what official protobuf made of it: the manifest that
//! `ci/make_wire_corpus.py` wrote says what that is, and what its columns mean.

#![allow(clippy::unwrap_used, reason = "a test: it may fail")]

mod common;

use std::fs;
use std::path::Path;

use common::plain::{self, Noise};
use common::{model, read, strict};
use spanwire_wire::ExportAnswer;
use spanwire_wire::{Counts, DecodeError, Signal, Value, validate};

/// What the readers make of a file: counts, and the message written again in field order.
fn ours(name: &str, bytes: &[u8]) -> Result<String, DecodeError> {
    let (counts, canonical) = match name.split('/').next() {
        Some("any_value") => {
            let value = Value::new(bytes).and_then(|value| read::value(&value))?;
            (Counts::default(), plain::value(&value, &mut Noise::none()))
        }
        Some("answer") => {
            let mut canonical = Vec::new();
            ExportAnswer::decode(bytes)?.encode(&mut canonical);
            (Counts::default(), canonical)
        }
        _ => {
            assert_eq!(
                validate(Signal::Traces, bytes),
                strict::validate(Signal::Traces, bytes),
                "{name}"
            );
            let counts = validate(Signal::Traces, bytes)?;
            let request: model::Request = read::request(bytes).expect("what validates can be read");
            (counts, plain::request(&request, &mut Noise::none()))
        }
    };
    let Counts {
        resources,
        scopes,
        items: spans,
        ..
    } = counts;
    Ok(format!("{resources} {scopes} {spans} {:016x}", fnv1a(&canonical)))
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01B3)
    })
}

/// `Kind@offset`, as in the manifest.
fn short(error: DecodeError) -> String {
    let kind = format!("{:?}", error.kind);
    let kind = kind.split([' ', '(']).next().unwrap();
    format!("{kind}@{}", error.offset)
}

#[test]
#[cfg_attr(miri, ignore = "many files")]
fn readers_agree_with_official_protobuf() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    let manifest = fs::read_to_string(seeds.join("manifest.tsv")).unwrap();
    let (mut same, mut refused, mut wrong) = (0, 0, Vec::new());
    for line in manifest.lines() {
        let [name, official, expected] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("odd line {line:?}")
        };
        let read = ours(name, &fs::read(seeds.join(name)).unwrap());
        let agrees = match (&read, expected) {
            (Ok(read), "same" | "any") => read == official,
            (Err(_), "any") => true,
            (Err(error), expected) => short(*error) == expected,
            (Ok(_), _) => false,
        };
        if !agrees {
            wrong.push(format!(
                "{name}: official {official}, expected {expected}, read {read:?}"
            ));
        }
        same += usize::from(read.is_ok());
        refused += usize::from(read.is_err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // The corpus is not empty, and both kinds are in it.
    assert!(same > 100 && refused > 30, "{same} read, {refused} refused");
}
