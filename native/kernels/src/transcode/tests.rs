use proptest::prelude::*;

use super::*;
use crate::simd::as_room;
use crate::testing::{each_level, each_place};

/// What the standard library makes of the units.
fn expected<U: Copy + Into<u32>>(units: &[U]) -> Result<Vec<u8>, BadUnit> {
    let mut text = String::new();
    for (index, &unit) in units.iter().enumerate() {
        text.push(char::from_u32(unit.into()).ok_or(BadUnit { index })?);
    }
    Ok(text.into_bytes())
}

/// A width's functions, for every level and every way.
macro_rules! same {
    ($name:ident, $unit:ty, $append:ident, $into:path) => {
        #[track_caller]
        fn $name(units: &[$unit]) {
            let expected = expected(units);
            // What the next test of the same length does not do, this one does.
            let spares: &[usize] = if units.as_ptr().addr() & 64 == 0 {
                &[0, 15]
            } else {
                &[1, 64]
            };
            each_level(|level| {
                let mut out = b"before".to_vec();
                let result = $append(level, units, &mut out);
                assert_eq!(&out[..6], b"before");
                match &expected {
                    Ok(text) => {
                        assert_eq!(result, Ok(()));
                        assert_eq!(&out[6..], text, "{level:?}: {units:x?}");
                    }
                    Err(bad) => {
                        assert_eq!(result, Err(*bad), "{level:?}: {units:x?}");
                        assert_eq!(out.len(), 6);
                    }
                }
                // Exactly the room that is asked for, and more; what lies behind it stays as it is.
                for &spare in spares {
                    let size = units.len() * <$unit as simd::Unit>::MOST + spare;
                    let mut memory = vec![0xA5; size + 80];
                    let result = $into(level, units, as_room(&mut memory[..size])).map(|written| written.len());
                    assert_eq!(result, expected.as_ref().map(Vec::len).map_err(|bad| *bad));
                    assert!(
                        memory[size..].iter().all(|&byte| byte == 0xA5),
                        "{level:?}: {units:x?}"
                    );
                    if let Ok(text) = &expected {
                        assert_eq!(&memory[..text.len()], text);
                    }
                }
            });
        }
    };
}

same!(same_latin1, u8, latin1_at, simd::latin1);
same!(same_ucs2, u16, ucs2_at, simd::ucs2);
same!(same_ucs4, u32, ucs4_at, simd::ucs4);

#[test]
fn every_length_and_alignment() {
    for text in [
        "a",
        "é",
        "€",
        "😀",
        "aé",
        "plain words and ",
        "plain words, then é and € and 😀 ",
    ] {
        let units: Vec<u32> = text.chars().map(u32::from).cycle().take(256).collect();
        each_place(&units, same_ucs4);
        if let Ok(units) = units
            .iter()
            .map(|&unit| u16::try_from(unit))
            .collect::<Result<Vec<_>, _>>()
        {
            each_place(&units, same_ucs2);
        }
        if let Ok(units) = units
            .iter()
            .map(|&unit| u8::try_from(unit))
            .collect::<Result<Vec<_>, _>>()
        {
            each_place(&units, same_latin1);
        }
    }
}

#[test]
fn a_bad_unit_is_found_wherever_it_is() {
    for at in (0..70).step_by(if cfg!(miri) { 70 } else { 1 }) {
        for bad in [0xD800, 0xDFFF, 0x11_0000, u32::MAX] {
            for around in [0x61, 0x20AC] {
                let mut units = [around; 70];
                units[at] = bad;
                same_ucs4(&units);
                same_ucs4(&units[..=at]);
                if let Ok(bad) = u16::try_from(bad) {
                    let mut units = units.map(|unit| u16::try_from(unit).unwrap_or(bad));
                    units[at] = bad;
                    same_ucs2(&units);
                }
            }
        }
    }
}

#[test]
fn each_side_of_every_boundary() {
    let edges = [
        0, 0x7F, 0x80, 0xFF, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x1_0000, 0x10_FFFF,
    ];
    for unit in edges {
        same_ucs4(&[unit]);
        same_ucs4(&[unit; 33]);
        if let Ok(unit) = u16::try_from(unit) {
            same_ucs2(&[unit; 33]);
        }
        if let Ok(unit) = u8::try_from(unit) {
            same_latin1(&[unit; 33]);
        }
    }
}

#[test]
#[should_panic(expected = "8 bytes of room are needed, 7 are there")]
fn too_little_room_is_refused() {
    let _ = simd::ucs4(usable(), &[0x61, 0x62], as_room(&mut [0; 7]));
}

proptest! {
    #[test]
    #[cfg_attr(miri, ignore = "making texts of a pattern takes minutes there")]
    fn any_units(
        narrow in prop::collection::vec(prop_oneof![any::<u8>(), 0x20..0x7F_u8], 0..300),
        middle in prop::collection::vec(prop_oneof![any::<u16>(), 0x20..0x7F_u16, 0xD7F0..0xE010_u16], 0..300),
        wide in prop::collection::vec(prop_oneof![any::<u32>(), 0x20..0x7F_u32, 0..0x11_0000_u32], 0..300),
    ) {
        same_latin1(&narrow);
        same_ucs2(&middle);
        same_ucs4(&wide);
    }

    #[test]
    #[cfg_attr(miri, ignore = "making texts of a pattern takes minutes there")]
    fn any_text(text in "\\PC{0,300}") {
        same_ucs4(&text.chars().map(u32::from).collect::<Vec<_>>());
        same_ucs2(&text.encode_utf16().collect::<Vec<_>>());
    }
}
