//! Varints: seven bits a byte, low bits first, the high bit says that more follow.

/// The longest varint: 64 bits, seven a byte.
pub const MAX_VARINT_LEN: usize = 10;

/// How many bytes `value` takes as a varint (1 to 10).
#[must_use]
#[inline(always)]
pub const fn varint_len(value: u64) -> usize {
    // Bits / 7, rounded up, without a division: (bits * 9 + 64) / 64 is exact for 1..=64 bits.
    ((64 - (value | 1).leading_zeros() as usize) * 9 + 64) / 64
}

#[cfg(test)]
mod tests {
    use super::varint_len;

    #[test]
    fn a_length_changes_at_every_seven_bit_boundary() {
        assert_eq!(varint_len(0), 1);
        for bits in 1..=64_u32 {
            let least = 1_u64 << (bits - 1);
            let most = least | (least - 1);
            let expected = bits.div_ceil(7) as usize;
            assert_eq!(
                (varint_len(least), varint_len(most)),
                (expected, expected),
                "{bits} bits"
            );
        }
    }
}
