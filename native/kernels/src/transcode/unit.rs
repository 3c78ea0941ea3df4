//! One unit: whether it is a character, and its UTF-8.

/// The four bytes of a character's UTF-8, the first ones of them if it has fewer, and how many it has.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "six bits of a part, seven of the first")]
pub fn encode(unit: u32) -> ([u8; 4], usize) {
    let part = |shift: u32| 0x80 | (unit >> shift & 0x3F) as u8;
    match unit {
        0..0x80 => ([unit as u8, 0, 0, 0], 1),
        0x80..0x800 => ([0xC0 | (unit >> 6) as u8, part(0), 0, 0], 2),
        0x800..0x1_0000 => ([0xE0 | (unit >> 12) as u8, part(6), part(0), 0], 3),
        _ => ([0xF0 | (unit >> 18) as u8, part(12), part(6), part(0)], 4),
    }
}

/// Whether a unit is a surrogate or above U+10FFFF.
#[inline(always)]
pub const fn is_bad(unit: u32) -> bool {
    unit & 0xFFFF_F800 == 0xD800 || unit > 0x10_FFFF
}
