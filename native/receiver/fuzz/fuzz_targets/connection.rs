//! Any bytes from a client: no panic, the connection ends, and no request is acknowledged that was not counted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanwire_receiver::fuzzing::connection;

fuzz_target!(|input: &[u8]| {
    let Some((&piece, bytes)) = input.split_first() else {
        return;
    };
    // In a few pieces, or in many.
    let (counts, output) = connection(bytes, usize::from(piece) * usize::from(piece));
    let said = output
        .windows(SUCCESS.len())
        .filter(|window| *window == SUCCESS)
        .count();
    assert!(said as u64 <= counts.requests, "{said} acknowledged, {counts:?}");
    assert!(counts.requests <= counts.attempts, "{counts:?}");
    assert!(output.is_empty() || output.starts_with(b"HTTP/1."), "{output:?}");
});

const SUCCESS: &[u8] = b"HTTP/1.1 200 OK\r\n";
