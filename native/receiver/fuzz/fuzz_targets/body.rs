//! Any bytes as a body of each content encoding: never more than the limit, and the same however it is cut into pieces.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanwire_receiver::fuzzing::decode;

fuzz_target!(|input: &[u8]| {
    let Some(([encoding, piece, limit], body)) = input.split_first_chunk() else {
        return;
    };
    // From 8 bytes to 256 KB.
    let limit = 8_usize << (limit % 16);
    let decoded = decode(*encoding, body, usize::from(*piece), limit);
    // Which of two errors is met first, that it is too long or that it is malformed, may differ.
    assert_eq!(
        decoded.as_ref().ok(),
        decode(*encoding, body, usize::MAX, limit).as_ref().ok()
    );
    match decoded {
        // What has no encoding is bounded where it is read.
        Ok(plain) => assert!(encoding % 4 == 0 || plain.len() <= limit),
        Err(status) => assert!(status == 400 || status == 413, "{status}"),
    }
});
