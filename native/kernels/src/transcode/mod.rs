//! Characters of one width, as Python and numpy hold them, to UTF-8.
//!
//! Three ways for each width: how long the UTF-8 is ([`ucs4_len`]), into a vector ([`ucs4`]), into room that the caller has
//! ([`ucs4_into`]): at least the most that so many units can take. Where the room goes 64 bytes further than that, short texts are
//! written a little faster. Room behind what was written may be overwritten.

mod scalar;
mod simd;

use alloc::vec::Vec;
use core::mem::MaybeUninit;

use crate::level::{Usable, usable};
use crate::simd::append;

/// Most bytes of one unit of Latin-1.
pub const LATIN1_MOST: usize = 2;
/// Most bytes of one unit of UCS-2.
pub const UCS2_MOST: usize = 3;
/// Most bytes of one unit of UCS-4.
pub const UCS4_MOST: usize = 4;

/// A unit that is no character: a surrogate, or above U+10FFFF.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BadUnit {
    /// Which one: the first such.
    pub index: usize,
}

impl core::fmt::Display for BadUnit {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "unit {} is no Unicode character", self.index)
    }
}

impl core::error::Error for BadUnit {}

/// Declares the functions of a width.
macro_rules! width {
    ($unit:ty, $most:ident, $append:ident, $append_at:ident, $into:ident, $into_at:ident, $len:ident, $len_at:ident) => {
        /// Appends the UTF-8 of `units` to `out`; with a bad unit, nothing.
        pub fn $append(units: &[$unit], out: &mut Vec<u8>) -> Result<(), BadUnit> {
            $append_at(usable(), units, out)
        }

        /// The same by the variant of this level.
        pub fn $append_at(level: Usable, units: &[$unit], out: &mut Vec<u8>) -> Result<(), BadUnit> {
            append(out, units.len() * $most, |room| simd::$append(level, units, room))
        }

        /// Writes the UTF-8 of `units` to the beginning of `room` and says how many bytes it is: those are initialised then.
        ///
        /// # Panics
        /// If the room is shorter than the most bytes a unit times the units.
        pub fn $into(units: &[$unit], room: &mut [MaybeUninit<u8>]) -> Result<usize, BadUnit> {
            $into_at(usable(), units, room)
        }

        /// The same by the variant of this level.
        ///
        /// # Panics
        /// If the room is shorter than the most bytes a unit times the units.
        pub fn $into_at(level: Usable, units: &[$unit], room: &mut [MaybeUninit<u8>]) -> Result<usize, BadUnit> {
            simd::$append(level, units, room).map(|written| written.len())
        }

        /// Bytes of the UTF-8 of `units`; a bad unit counts as any other of its size would, so this is never less than what is written.
        #[must_use]
        pub fn $len(units: &[$unit]) -> usize {
            $len_at(usable(), units)
        }

        /// The same by the variant of this level.
        #[must_use]
        pub fn $len_at(level: Usable, units: &[$unit]) -> usize {
            simd::$len(level, units)
        }
    };
}

width!(
    u8,
    LATIN1_MOST,
    latin1,
    latin1_at,
    latin1_into,
    latin1_into_at,
    latin1_len,
    latin1_len_at
);
width!(
    u16,
    UCS2_MOST,
    ucs2,
    ucs2_at,
    ucs2_into,
    ucs2_into_at,
    ucs2_len,
    ucs2_len_at
);
width!(
    u32,
    UCS4_MOST,
    ucs4,
    ucs4_at,
    ucs4_into,
    ucs4_into_at,
    ucs4_len,
    ucs4_len_at
);

#[cfg(test)]
mod tests;
