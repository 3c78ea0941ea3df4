//! Which variant, and the one that compilers make: ASCII a block at a time.

#[cfg(target_arch = "x86_64")]
mod avx512;

use core::mem::MaybeUninit;

use super::{BadUnit, LATIN1_MOST, UCS2_MOST, UCS4_MOST, scalar};
use crate::level::Usable;
use crate::simd::{Cursor, Written, at_level};

/// A unit of text: up to 4 bytes.
pub trait Unit: Copy + Into<u32> {
    /// Most bytes of its UTF-8.
    const MOST: usize;

    /// Its low byte.
    fn low(self) -> u8;
}

impl Unit for u8 {
    const MOST: usize = LATIN1_MOST;

    #[inline(always)]
    fn low(self) -> u8 {
        self
    }
}

impl Unit for u16 {
    const MOST: usize = UCS2_MOST;

    #[inline(always)]
    fn low(self) -> u8 {
        self.to_le_bytes()[0]
    }
}

impl Unit for u32 {
    const MOST: usize = UCS4_MOST;

    #[inline(always)]
    fn low(self) -> u8 {
        self.to_le_bytes()[0]
    }
}

/// Writes one character.
///
/// Not unsafe for its callers here: each has checked the room for the most bytes of all its units, and writes each unit once.
#[inline(always)]
pub(super) fn put(out: &mut Cursor, unit: u32) {
    // SAFETY: see above.
    unsafe {
        match scalar::encode(unit) {
            ([a, ..], 1) => out.array([a]),
            ([a, b, ..], 2) => out.array([a, b]),
            ([a, b, c, _], 3) => out.array([a, b, c]),
            (all, _) => out.array(all),
        }
    }
}

/// Units of a block.
const BLOCK: usize = 16;

/// Blocks of ASCII are narrowed, in loops without a branch that compilers turn into vectors; other blocks go unit by unit.
#[inline(always)]
fn blocks<U: Unit>(units: &[U], out: &mut Cursor) -> Result<(), BadUnit> {
    let mut from = 0;
    while let Some(block) = units[from..].first_chunk::<BLOCK>() {
        if block.iter().fold(0, |all, &unit| all | unit.into()) < 0x80 {
            // SAFETY: a byte for each unit.
            unsafe { out.array(block.map(Unit::low)) };
            from += BLOCK;
        } else {
            // Where one is not ASCII others follow: so they are not looked at twice.
            let end = units.len().min(from + 4 * BLOCK);
            scalar::write(&units[..end], from, out)?;
            from = end;
        }
    }
    scalar::write(units, from, out)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse4.2,popcnt")]
fn sse42<U: Unit>(units: &[U], out: &mut Cursor) -> Result<(), BadUnit> {
    blocks(units, out)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn avx2<U: Unit>(units: &[U], out: &mut Cursor) -> Result<(), BadUnit> {
    blocks(units, out)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse4.2,popcnt")]
fn len_sse42<U: Unit>(units: &[U]) -> usize {
    count(units)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn len_avx2<U: Unit>(units: &[U]) -> usize {
    count(units)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,lzcnt,popcnt")]
fn len_avx512<U: Unit>(units: &[U]) -> usize {
    count(units)
}

#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
fn neon<U: Unit>(units: &[U], out: &mut Cursor) -> Result<(), BadUnit> {
    blocks(units, out)
}

#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
fn len_neon<U: Unit>(units: &[U]) -> usize {
    count(units)
}

/// In parts, so that compilers count in 32 bits.
#[inline(always)]
fn count<U: Unit>(units: &[U]) -> usize {
    let of = |part: &[U]| -> u32 {
        let each = |&unit: &U| {
            let unit: u32 = unit.into();
            1 + u32::from(unit >= 0x80) + u32::from(unit >= 0x800) + u32::from(unit >= 0x1_0000)
        };
        part.iter().map(each).sum()
    };
    units.chunks(1 << 16).map(|part| of(part) as usize).sum()
}

/// Declares the dispatch of a width.
macro_rules! width {
    ($unit:ty, $write:ident, $len:ident, $avx512:path) => {
        pub fn $write(level: Usable, units: &[$unit], room: &mut [MaybeUninit<u8>]) -> Result<Written, BadUnit> {
            let most = units.len() * <$unit>::MOST;
            assert!(
                room.len() >= most,
                "{most} bytes of room are needed, {} are there",
                room.len()
            );
            #[cfg(target_arch = "x86_64")]
            let size = room.len();
            let mut out = Cursor::new(room);
            at_level!(
                level,
                sse42: sse42(units, &mut out),
                avx2: avx2(units, &mut out),
                avx512: $avx512(units, size, &mut out),
                neon: neon(units, &mut out),
                scalar: scalar::write(units, 0, &mut out)
            )?;
            Ok(out.written())
        }

        pub fn $len(level: Usable, units: &[$unit]) -> usize {
            at_level!(
                level,
                sse42: len_sse42(units),
                avx2: len_avx2(units),
                avx512: len_avx512(units),
                neon: len_neon(units),
                scalar: scalar::len(units)
            )
        }
    };
}

width!(u8, latin1, latin1_len, avx512::latin1);
width!(u16, ucs2, ucs2_len, avx512::ucs2);
width!(u32, ucs4, ucs4_len, avx512::ucs4);
