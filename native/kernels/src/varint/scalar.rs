//! Plain: value by value.

/// Bits / 7, rounded up, without a division: (bits * 9 + 64) / 64 is exact for 1 to 64 bits.
#[inline(always)]
pub const fn len_u64(value: u64) -> u32 {
    ((64 - (value | 1).leading_zeros()) * 9 + 64) / 64
}

#[inline(always)]
pub const fn len_u32(value: u32) -> u32 {
    ((32 - (value | 1).leading_zeros()) * 9 + 64) / 64
}

#[inline(always)]
pub fn len_sum_u64(values: &[u64]) -> usize {
    values.iter().map(|&value| len_u64(value) as usize).sum()
}

/// In parts, so that sums fit 32 bits.
#[inline(always)]
pub fn len_sum_u32(values: &[u32]) -> usize {
    let of = |part: &[u32]| part.iter().map(|&value| len_u32(value)).sum::<u32>() as usize;
    values.chunks(1 << 20).map(of).sum()
}

#[inline(always)]
pub fn add_lens_u64(values: &[u64], sizes: &mut [u32]) {
    for (size, &value) in sizes.iter_mut().zip(values) {
        *size = size.wrapping_add(len_u64(value));
    }
}
