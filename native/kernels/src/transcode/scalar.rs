//! Plain: unit by unit.

use super::BadUnit;
use super::simd::put::put;
use super::unit::is_bad;
use crate::simd::Cursor;

/// The units from `from` on.
pub fn write<U: Copy + Into<u32>>(units: &[U], from: usize, out: &mut Cursor) -> Result<(), BadUnit> {
    for (index, &unit) in units.iter().enumerate().skip(from) {
        let unit = unit.into();
        if is_bad(unit) {
            return Err(BadUnit { index });
        }
        put(out, unit);
    }
    Ok(())
}
