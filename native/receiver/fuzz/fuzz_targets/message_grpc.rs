//! Any bytes as the body of a gRPC call: never more than the limit, and the same however it is cut into pieces.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanwire_receiver::fuzzing::message;

fuzz_target!(|input: &[u8]| {
    let Some(([encoding, piece, limit], body)) = input.split_first_chunk() else {
        return;
    };
    // From 8 bytes to 256 KB.
    let limit = 8_usize << (limit % 16);
    let found = message(*encoding, body, usize::from(*piece), limit);
    assert_eq!(
        found.as_ref().ok(),
        message(*encoding, body, usize::MAX, limit).as_ref().ok()
    );
    match found {
        Ok(plain) => assert!(plain.len() <= limit),
        // INVALID_ARGUMENT, RESOURCE_EXHAUSTED, INTERNAL.
        Err(code) => assert!([3, 8, 13].contains(&code), "{code}"),
    }
});
