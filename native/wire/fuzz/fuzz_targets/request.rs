//! Any bytes as a request: no panic, and the eager and the lazy readers agree.
#![no_main]

#[path = "../../tests/common/mod.rs"]
mod common;

use common::{read, strict};
use libfuzzer_sys::fuzz_target;
use spanwire_wire::{count_spans, validate};

fuzz_target!(|bytes: &[u8]| {
    let lazily = read::request(bytes);
    let counted = count_spans(bytes);
    assert_eq!(validate(bytes), strict::validate(bytes));
    match validate(bytes) {
        Ok(counts) => {
            assert_eq!(lazily.map(|request| read::counts(&request)), Ok(counts));
            assert_eq!(counted, Ok(counts.spans));
        }
        Err(error) => {
            // Readers that look at less may find nothing wrong, or something else first; what they find is inside.
            for error in [Some(error), lazily.err(), counted.err()].into_iter().flatten() {
                assert!(error.offset <= bytes.len(), "{error}");
            }
        }
    }
});
