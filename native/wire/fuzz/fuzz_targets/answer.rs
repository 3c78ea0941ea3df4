//! Any bytes as a backend's answer: no panic, and what is read is what is left when it is written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanwire_wire::answer::{ExportAnswer, RpcStatus};

fuzz_target!(|bytes: &[u8]| {
    let mut out = Vec::new();
    match ExportAnswer::decode(bytes) {
        Ok(response) => {
            response.encode(&mut out);
            assert_eq!(ExportAnswer::decode(&out), Ok(response));
        }
        Err(error) => assert!(error.offset <= bytes.len(), "{error}"),
    }
    let mut out = Vec::new();
    match RpcStatus::decode(bytes) {
        Ok(status) => {
            status.encode(&mut out);
            assert_eq!(RpcStatus::decode(&out), Ok(status));
        }
        Err(error) => assert!(error.offset <= bytes.len(), "{error}"),
    }
});
