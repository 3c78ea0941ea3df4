//! Any bytes as an attribute's value: no panic, and what is read is what is left when it is written and read again.
#![no_main]

#[path = "../../tests/common/mod.rs"]
mod common;

use common::{read, region};
use libfuzzer_sys::fuzz_target;
use spanwire_wire::Value;
use spanwire_wire::arena::Region;

fuzz_target!(|bytes: &[u8]| {
    match Value::new(bytes).and_then(|value| read::value(&value)) {
        Ok(value) => {
            let mut out = Region::new();
            region::value(&mut out, &value);
            assert_eq!(
                Value::new(out.as_slice()).and_then(|value| read::value(&value)),
                Ok(value)
            );
        }
        Err(error) => assert!(error.offset <= bytes.len(), "{error}"),
    }
});
