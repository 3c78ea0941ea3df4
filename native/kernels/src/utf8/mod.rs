//! Whether bytes are UTF-8.

mod scalar;
mod simd;

use crate::level::{Usable, usable};

/// Up to so many bytes are looked at in place: longer ones are worth a call.
const SHORT: usize = 32;

/// Whether `bytes` are UTF-8, as [`core::str::from_utf8`] has it.
///
/// Short ASCII, which most attributes are, is seen without a call.
#[must_use]
#[inline]
pub fn validate(bytes: &[u8]) -> bool {
    (bytes.len() <= SHORT && scalar::is_short_ascii(bytes)) || validate_at(usable(), bytes)
}

/// The text that `bytes` are, if they are UTF-8.
#[must_use]
#[inline]
pub fn text(bytes: &[u8]) -> Option<&str> {
    validate(bytes).then(|| simd::unchecked(bytes))
}

/// [`validate`] by the variant of this level.
#[must_use]
pub fn validate_at(level: Usable, bytes: &[u8]) -> bool {
    simd::validate(level, bytes)
}

#[cfg(test)]
mod tests;
