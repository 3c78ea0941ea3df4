//! Any text is refused or becomes a valid request, which reads the same once it was written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanwire_json::{traces_from_wire, traces_to_wire};

fuzz_target!(|text: &[u8]| {
    let mut wire = Vec::new();
    if let Err(error) = traces_to_wire(text, &mut wire) {
        assert!(wire.is_empty());
        assert!(error.line() >= 1);
        assert!(error.to_string().len() < 20_000, "an error repeats the text");
        return;
    }
    spanwire_wire::validate(spanwire_wire::Signal::Traces, &wire).expect("what was converted is valid");
    let mut written = Vec::new();
    traces_from_wire(&wire, &mut written).expect("valid");
    let mut again = Vec::new();
    traces_to_wire(&written, &mut again).expect("what we write we read");
    let mut twice = Vec::new();
    traces_from_wire(&again, &mut twice).expect("valid");
    assert_eq!(written, twice);
});
