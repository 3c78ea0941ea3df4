//! Any bytes as a request of any signal, which the first byte says, and as its JSON: what is read comes back as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanwire_json::{from_wire, to_wire};
use spanwire_wire::{Signal, validate};

fuzz_target!(|input: &[u8]| {
    let Some((signal, bytes)) = input.split_first() else {
        return;
    };
    let signal = Signal::ALL[usize::from(*signal) % 4];
    let valid = validate(signal, bytes);
    let mut text = Vec::new();
    match from_wire(signal, bytes, &mut text) {
        Err(_) => assert!(valid.is_err() && text.is_empty()),
        Ok(()) if valid.is_ok() => {
            let mut again = Vec::new();
            to_wire(signal, &text, &mut again).expect("what we write we read");
            assert_eq!(validate(signal, &again), valid);
            let mut twice = Vec::new();
            from_wire(signal, &again, &mut twice).expect("valid");
            assert_eq!(text, twice);
        }
        Ok(()) => {}
    }
    let mut wire = Vec::new();
    match to_wire(signal, bytes, &mut wire) {
        Ok(()) => drop(validate(signal, &wire).expect("what was converted is valid")),
        Err(_) => assert!(wire.is_empty()),
    }
});
