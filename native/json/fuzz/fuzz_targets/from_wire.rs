//! Whatever the strict readers take becomes JSON that can be read; whatever they refuse is refused here.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanwire_json::{traces_from_wire, traces_to_wire};

fuzz_target!(|wire: &[u8]| {
    let valid = spanwire_wire::validate(spanwire_wire::Signal::Traces, wire).is_ok();
    let mut text = Vec::new();
    match traces_from_wire(wire, &mut text) {
        Err(_) => assert!(!valid && text.is_empty()),
        Ok(()) if valid => {
            let mut again = Vec::new();
            traces_to_wire(&text, &mut again).expect("what we write we read");
            assert!(!text.contains(&b'\n'));
        }
        // The lazy readers need not look at everything.
        Ok(()) => {}
    }
});
