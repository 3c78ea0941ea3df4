//! Any bytes as a request of logs, metrics or profiles, which the first byte says: the typed views do not panic, and read
//! what is valid as the schema does.
#![no_main]

#[path = "../../tests/common/mod.rs"]
mod common;

use common::by_schema::{self, Seen};
use common::typed;
use libfuzzer_sys::fuzz_target;
use spanwire_wire::{Signal, validate};

fuzz_target!(|input: &[u8]| {
    let Some((signal, bytes)) = input.split_first() else {
        return;
    };
    let signal = [Signal::Logs, Signal::Metrics, Signal::Profiles][usize::from(*signal) % 3];
    let read = typed::request(signal, bytes);
    match validate(signal, bytes) {
        Ok(_) => assert_eq!(read, by_schema::request(signal, bytes, &mut Seen::new())),
        Err(error) => assert!(read.err().unwrap_or(error).offset <= bytes.len()),
    }
});
