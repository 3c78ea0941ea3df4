//! Which variant, and the one that compilers make: ASCII a block at a time.

#[cfg(target_arch = "x86_64")]
mod avx512;
pub(super) mod put;

use core::mem::MaybeUninit;

use super::{BadUnit, scalar};
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
    const MOST: usize = 2;

    #[inline(always)]
    fn low(self) -> u8 {
        self
    }
}

impl Unit for u16 {
    const MOST: usize = 3;

    #[inline(always)]
    fn low(self) -> u8 {
        self.to_le_bytes()[0]
    }
}

impl Unit for u32 {
    const MOST: usize = 4;

    #[inline(always)]
    fn low(self) -> u8 {
        self.to_le_bytes()[0]
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
            // SAFETY: a byte for each unit, of which each has room for its most bytes, as for `put`.
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

#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
fn neon<U: Unit>(units: &[U], out: &mut Cursor) -> Result<(), BadUnit> {
    blocks(units, out)
}

/// Declares the dispatch of a width.
macro_rules! width {
    ($unit:ty, $write:ident, $avx512:path) => {
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
    };
}

width!(u8, latin1, avx512::latin1);
width!(u16, ucs2, avx512::ucs2);
width!(u32, ucs4, avx512::ucs4);
