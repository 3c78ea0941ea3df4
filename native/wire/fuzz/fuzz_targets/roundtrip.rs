//! What can be read is written by the crate's writers exactly as by the plain one, and reads back equal; so does the
//! same message in an odd form.
#![no_main]

#[path = "../../tests/common/mod.rs"]
mod common;

use common::plain::{self, Noise};
use common::{read, region};
use libfuzzer_sys::fuzz_target;
use spanwire_wire::{Signal, validate};

fuzz_target!(|bytes: &[u8]| {
    let Ok(request) = read::request(bytes) else { return };
    let written = region::request(&request);
    assert_eq!(written, plain::request(&request, &mut Noise::none()));
    assert_eq!(read::request(&written).as_ref(), Ok(&request));
    let seed = bytes.iter().fold(1, |seed: u64, byte| {
        seed.wrapping_mul(31).wrapping_add(u64::from(*byte))
    });
    let odd = plain::request(&request, &mut Noise::seeded(seed));
    assert_eq!(read::request(&odd).as_ref(), Ok(&request));
    assert_eq!(validate(Signal::Traces, &odd), Ok(read::counts(&request)));
});
