//! Any bytes as a backend's answer over gRPC, as frames of HTTP/2 and as trailers with a body: no panic, an end, and a message that is short,
//! printable and without our secrets.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanwire_transport::fuzzing::{SECRETS, answer_grpc, trailers_grpc};

fuzz_target!(|bytes: &[u8]| {
    for answer in [answer_grpc(bytes), trailers_grpc(bytes)] {
        let shown = match answer {
            Ok(accepted) => accepted.message.unwrap_or_default(),
            Err(error) => error.to_string(),
        };
        assert!(shown.chars().count() < 1000, "{shown}");
        assert!(!shown.chars().any(char::is_control), "{shown:?}");
        for secret in SECRETS {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
});
