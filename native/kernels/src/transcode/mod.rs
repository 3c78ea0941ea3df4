//! Characters of one width, as Python and numpy hold them, to UTF-8.

mod scalar;
mod simd;
mod unit;

use alloc::vec::Vec;

use crate::level::{Usable, usable};
use crate::simd::append;

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
    ($unit:ty, $append:ident, $append_at:ident) => {
        /// Appends the UTF-8 of `units` to `out`; with a bad unit, nothing.
        pub fn $append(units: &[$unit], out: &mut Vec<u8>) -> Result<(), BadUnit> {
            $append_at(usable(), units, out)
        }

        /// The same by the variant of this level.
        pub fn $append_at(level: Usable, units: &[$unit], out: &mut Vec<u8>) -> Result<(), BadUnit> {
            append(out, units.len() * <$unit as simd::Unit>::MOST, |room| {
                simd::$append(level, units, room)
            })
        }
    };
}

width!(u8, latin1, latin1_at);
width!(u16, ucs2, ucs2_at);
width!(u32, ucs4, ucs4_at);

#[cfg(test)]
mod tests;
