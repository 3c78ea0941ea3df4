//! Varints: seven bits a byte, low bits first, the high bit says that more follow.

use crate::protobuf::error::DecodeErrorKind;

/// The longest varint: 64 bits, seven a byte.
pub const MAX_VARINT_LEN: usize = 10;

/// How many bytes `value` takes as a varint (1 to 10).
#[must_use]
#[inline(always)]
pub const fn varint_len(value: u64) -> usize {
    // Bits / 7, rounded up, without a division: (bits * 9 + 64) / 64 is exact for 1..=64 bits.
    ((64 - (value | 1).leading_zeros() as usize) * 9 + 64) / 64
}

/// The varint that `bytes` begin with, and how many of them it takes.
///
/// As everywhere in protobuf, zero bits may be padded up to ten bytes: writers that reserve room for a length do
/// so. More than ten bytes, or a value of more than 64 bits, is an error.
#[inline]
pub fn decode_varint(bytes: &[u8]) -> Result<(u64, usize), DecodeErrorKind> {
    match bytes.first() {
        Some(&byte) if byte < 0x80 => Ok((byte.into(), 1)),
        _ => decode_long::<MAX_VARINT_LEN, 0x01>(bytes),
    }
}

/// The same for tags and lengths: at most 32 bits, padded up to five bytes (protobuf's own parsers refuse more).
#[inline]
pub fn decode_varint32(bytes: &[u8]) -> Result<(u32, usize), DecodeErrorKind> {
    match bytes.first() {
        Some(&byte) if byte < 0x80 => Ok((byte.into(), 1)),
        _ => decode_long::<5, 0x0F>(bytes).map(|(value, len)| (low32(value), len)),
    }
}

/// The low 32 bits: what protobuf makes of a varint too wide for an int32, uint32 or enum.
#[expect(clippy::cast_possible_truncation, reason = "the point of it")]
pub(crate) const fn low32(value: u64) -> u32 {
    value as u32
}

/// The number that a `sint32` stands for.
pub(crate) const fn zigzag32(value: u32) -> i32 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

/// At most `MAX` bytes, the last of which may be at most `LAST`.
fn decode_long<const MAX: usize, const LAST: u8>(bytes: &[u8]) -> Result<(u64, usize), DecodeErrorKind> {
    let mut value = 0;
    for (at, &byte) in bytes.iter().take(MAX).enumerate() {
        if at == MAX - 1 && byte > LAST {
            return Err(if byte < 0x80 {
                DecodeErrorKind::VarintOverflow
            } else {
                DecodeErrorKind::VarintTooLong
            });
        }
        value |= u64::from(byte & 0x7F) << (7 * at);
        if byte < 0x80 {
            return Ok((value, at + 1));
        }
    }
    Err(DecodeErrorKind::Truncated)
}

#[cfg(test)]
mod tests {
    use super::{DecodeErrorKind, decode_varint, decode_varint32, varint_len};

    #[test]
    fn both_sides_of_every_boundary_decode() {
        for bits in 0..=63 {
            for value in [(1_u64 << bits) - 1, 1 << bits, u64::MAX >> bits] {
                let (mut bytes, mut rest) = (std::vec![], value);
                while rest >= 0x80 {
                    bytes.push((rest & 0x7F) as u8 | 0x80);
                    rest >>= 7;
                }
                bytes.push((rest & 0x7F) as u8);
                let len = bytes.len();
                assert_eq!(len, varint_len(value));
                for cut in 0..len {
                    assert_eq!(decode_varint(&bytes[..cut]), Err(DecodeErrorKind::Truncated));
                }
                bytes.extend([0xFF; 3]);
                assert_eq!(decode_varint(&bytes), Ok((value, len)));
                let narrow = match u32::try_from(value) {
                    Ok(value) => Ok((value, len)),
                    Err(_) if len > 5 => Err(DecodeErrorKind::VarintTooLong),
                    Err(_) => Err(DecodeErrorKind::VarintOverflow),
                };
                assert_eq!(decode_varint32(&bytes), narrow);
            }
        }
    }

    #[test]
    fn padding_is_allowed_up_to_the_longest_varint() {
        let padded = |len: usize, last| {
            let mut bytes = std::vec![0x80; len];
            bytes[0] = 0x85;
            bytes.push(last);
            bytes
        };
        assert_eq!(decode_varint(&padded(9, 0)), Ok((5, 10)));
        assert_eq!(decode_varint(&padded(9, 1)), Ok((5 | 1 << 63, 10)));
        assert_eq!(decode_varint(&padded(9, 2)), Err(DecodeErrorKind::VarintOverflow));
        assert_eq!(decode_varint(&padded(10, 0)), Err(DecodeErrorKind::VarintTooLong));
        assert_eq!(decode_varint32(&padded(4, 0)), Ok((5, 5)));
        assert_eq!(decode_varint32(&padded(4, 15)), Ok((5 | 15 << 28, 5)));
        assert_eq!(decode_varint32(&padded(4, 16)), Err(DecodeErrorKind::VarintOverflow));
        assert_eq!(decode_varint32(&padded(5, 0)), Err(DecodeErrorKind::VarintTooLong));
    }

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
