//! Varints of whole columns: how many bytes their values take.

mod scalar;
mod simd;

use crate::level::{Usable, usable};

/// Bytes of all values as varints.
#[must_use]
pub fn len_sum_u64(values: &[u64]) -> usize {
    len_sum_u64_at(usable(), values)
}

/// The same by the variant of this level.
#[must_use]
pub fn len_sum_u64_at(level: Usable, values: &[u64]) -> usize {
    simd::len_sum_u64(level, values)
}

/// Bytes of all values as varints.
#[must_use]
pub fn len_sum_u32(values: &[u32]) -> usize {
    len_sum_u32_at(usable(), values)
}

/// The same by the variant of this level.
#[must_use]
pub fn len_sum_u32_at(level: Usable, values: &[u32]) -> usize {
    simd::len_sum_u32(level, values)
}

/// Adds to each size the bytes of its value as a varint, wrapping; the shorter slice ends it.
pub fn add_lens_u64(values: &[u64], sizes: &mut [u32]) {
    add_lens_u64_at(usable(), values, sizes);
}

/// The same by the variant of this level.
pub fn add_lens_u64_at(level: Usable, values: &[u64], sizes: &mut [u32]) {
    simd::add_lens_u64(level, values, sizes);
}

#[cfg(test)]
mod tests;
