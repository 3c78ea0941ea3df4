use proptest::prelude::*;

use super::*;
use crate::testing::{each_level, each_place};

#[track_caller]
fn same(bytes: &[u8]) {
    let expected = core::str::from_utf8(bytes).is_ok();
    each_level(|level| assert_eq!(validate_at(level, bytes), expected, "{level:?}: {bytes:x?}"));
    assert_eq!(validate(bytes), expected, "{bytes:x?}");
    assert_eq!(text(bytes), core::str::from_utf8(bytes).ok());
}

#[test]
fn every_length_and_alignment_of_text_and_of_text_with_one_wrong_byte() {
    for pattern in ["a", "é", "€", "😀", "aé€😀 plain words "] {
        let text = pattern.repeat(300 / pattern.len() + 1);
        each_place(text.as_bytes(), same);
    }
    let mut bytes = *b"0123456789".repeat(26).first_chunk::<256>().expect("260 bytes");
    for at in (0..256).step_by(if cfg!(miri) { 85 } else { 1 }) {
        for wrong in [0x80, 0xC0, 0xC3, 0xE2, 0xED, 0xF0, 0xF5, 0xFF] {
            let right = core::mem::replace(&mut bytes[at], wrong);
            same(&bytes);
            same(&bytes[..=at]);
            same(&bytes[at..]);
            bytes[at] = right;
        }
    }
}

#[test]
fn every_sequence_of_three_bytes_at_the_end_of_a_block() {
    let step = if cfg!(miri) { 61 } else { 1 };
    let mut bytes = [b'x'; 66];
    for first in (0x7E_u8..=0xFF).step_by(step) {
        for second in (0x7E..=0xFF).step_by(step) {
            for third in [b'x', 0x7F, 0x80, 0x9F, 0xA0, 0xBF, 0xC0] {
                bytes[62..65].copy_from_slice(&[first, second, third]);
                let expected = core::str::from_utf8(&bytes).is_ok();
                each_level(|level| assert_eq!(validate_at(level, &bytes), expected));
            }
        }
    }
}

proptest! {
    #[test]
    #[cfg_attr(miri, ignore = "making texts of a pattern takes minutes there")]
    fn any_bytes(bytes in prop::collection::vec(prop_oneof![any::<u8>(), 0x20..0x7F_u8], 0..400)) {
        same(&bytes);
    }

    #[test]
    #[cfg_attr(miri, ignore = "making texts of a pattern takes minutes there")]
    fn any_text_and_one_wrong_byte(text in "\\PC{0,200}", at in any::<prop::sample::Index>(), wrong in any::<u8>()) {
        let mut bytes = text.into_bytes();
        same(&bytes);
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = wrong;
            same(&bytes);
        }
    }
}
