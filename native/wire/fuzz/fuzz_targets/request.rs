//! Any bytes as a request: no panic, and the eager and the lazy readers agree.
#![no_main]

#[path = "../../tests/common/mod.rs"]
mod common;

use common::{read, strict};
use libfuzzer_sys::fuzz_target;
use spanwire_wire::{Signal, count_items, validate};

fuzz_target!(|bytes: &[u8]| {
    let lazily = read::request(bytes);
    let counted = count_items(Signal::Traces, bytes);
    assert_eq!(validate(Signal::Traces, bytes), strict::validate(Signal::Traces, bytes));
    match validate(Signal::Traces, bytes) {
        Ok(counts) => {
            assert_eq!(lazily.map(|request| read::counts(&request)), Ok(counts));
            assert_eq!(counted, Ok(counts.items));
        }
        Err(error) => {
            // Readers that look at less may find nothing wrong, or something else first; what they find is inside.
            for error in [Some(error), lazily.err(), counted.err()].into_iter().flatten() {
                assert!(error.offset <= bytes.len(), "{error}");
            }
        }
    }
});
