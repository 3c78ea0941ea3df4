//! Any bytes as a request of any signal, which the first byte says: the eager readers agree, and what is divided keeps
//! its items.
#![no_main]

#[path = "../../tests/common/mod.rs"]
mod common;

use common::strict;
use libfuzzer_sys::fuzz_target;
use spanwire_wire::envelope::{self, Layout, Limits};
use spanwire_wire::{Signal, count_items, validate};

fuzz_target!(|input: &[u8]| {
    let Some((signal, bytes)) = input.split_first() else {
        return;
    };
    let signal = Signal::ALL[usize::from(*signal) % 4];
    let counts = validate(signal, bytes);
    assert_eq!(counts, strict::validate(signal, bytes));
    if let Ok(layout) = Layout::of(signal, bytes) {
        let whole = layout.write(layout.items());
        assert_eq!(count_items(signal, &whole.bytes), Ok(layout.items().len()));
        let limits = Limits { items: 2, bytes: 100 };
        let parts = envelope::chunks(signal, bytes, limits).expect("as laid out");
        let items: usize = parts.iter().map(|part| part.items).sum();
        assert_eq!(items, layout.items().len());
        for part in [vec![whole], parts].concat() {
            assert_eq!(count_items(signal, &part.bytes), Ok(part.items));
            if counts.is_ok() {
                let counts = validate(signal, &part.bytes).expect("parts of what is well-formed");
                assert_eq!((counts.items, counts.points), (part.items, part.points));
            }
        }
        if let Some((rest, broken)) = envelope::without_broken(signal, bytes) {
            assert_eq!(rest.items + broken, layout.items().len());
        }
    } else {
        assert!(counts.is_err());
    }
});
