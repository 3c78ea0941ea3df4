//! Any bytes to columns: taken or refused as by wire's eager reader, with its error, and the spans are those that its lazy
//! readers see.
#![no_main]

#[path = "../../../wire/tests/common/mod.rs"]
mod common;
#[path = "../../tests/rows/mod.rs"]
mod rows;

use common::read;
use libfuzzer_sys::fuzz_target;
use spanwire_columns::decode::{DecodeError, decode};
use spanwire_wire::{Signal, validate};

fuzz_target!(|bytes: &[u8]| {
    match (decode(bytes), validate(Signal::Traces, bytes)) {
        (Ok(decoded), Ok(counts)) => {
            assert_eq!(decoded.rows, counts.items);
            let request = read::request(bytes).expect("what validates can be read");
            assert_eq!(rows::of(bytes, &decoded), rows::flattened(&request));
        }
        (Err(DecodeError::Malformed(error)), Err(expected)) => assert_eq!(error, expected),
        (decoded, validated) => panic!("{decoded:?}, but {validated:?}"),
    }
});
