//! Any bytes as a backend's answer over HTTP: no panic, an end, and a message that is short, printable and without our secrets.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanwire_transport::fuzzing::{SECRETS, answer};

fuzz_target!(|bytes: &[u8]| {
    let shown = match answer(bytes) {
        Ok(accepted) => accepted.message.unwrap_or_default(),
        Err(error) => error.to_string(),
    };
    assert!(shown.chars().count() < 600, "{shown}");
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
    for secret in SECRETS {
        assert!(!shown.contains(secret), "{shown}");
    }
});
