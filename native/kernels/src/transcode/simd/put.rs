//! Writing one character.

use crate::simd::Cursor;
use crate::transcode::unit::encode;

/// Writes one character.
///
/// Not unsafe for its callers, which are the loops of `scalar` and of the variants: the entrance to all
/// ([`latin1`](super::latin1), [`ucs2`](super::ucs2), [`ucs4`](super::ucs4)) has checked that there is room for the most bytes of all units, and each unit is written once.
#[inline(always)]
pub(crate) fn put(out: &mut Cursor, unit: u32) {
    // SAFETY: room for the most bytes of every unit was checked at the entrance, and no unit is written twice.
    unsafe {
        match encode(unit) {
            ([a, ..], 1) => out.array([a]),
            ([a, b, ..], 2) => out.array([a, b]),
            ([a, b, c, _], 3) => out.array([a, b, c]),
            (all, _) => out.array(all),
        }
    }
}
