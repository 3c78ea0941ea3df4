//! Any frames from a client that speaks HTTP/2: no panic, the connection ends, and no call is acknowledged that was not
//! counted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanwire_receiver::fuzzing::connection_http2;

fuzz_target!(|input: &[u8]| {
    let Some((&first, frames)) = input.split_first() else {
        return;
    };
    // In a few pieces, or in many.
    let piece = usize::from(first >> 1) * usize::from(first >> 1);
    let (counts, output) = connection_http2(&[PREFACE, frames].concat(), piece, first & 1 == 1);
    assert!(counts.requests <= counts.attempts, "{counts:?}");
    let mut rest = &output[..];
    let mut messages = 0;
    while let Some((head, after)) = rest.split_first_chunk::<9>() {
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        // The last frame may be cut where the client closed.
        let Some((payload, after)) = after.split_at_checked(length) else {
            break;
        };
        // DATA of an acknowledgement: an empty message of gRPC.
        messages += u64::from(head[3] == 0 && payload == [0; 5]);
        rest = after;
    }
    assert!(messages <= counts.requests, "{messages} acknowledged, {counts:?}");
});

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
