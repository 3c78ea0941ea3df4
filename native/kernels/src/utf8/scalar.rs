//! Plain: the standard library, and a look at short texts.

pub fn validate(bytes: &[u8]) -> bool {
    core::str::from_utf8(bytes).is_ok()
}

/// Whether up to 32 bytes are ASCII: two loads that overlap, of the size that fits.
#[inline(always)]
pub fn is_short_ascii(bytes: &[u8]) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    const HIGH16: u128 = (HIGH as u128) << 64 | HIGH as u128;
    if let (Some(first), Some(last)) = (bytes.first_chunk::<16>(), bytes.last_chunk::<16>()) {
        (u128::from_le_bytes(*first) | u128::from_le_bytes(*last)) & HIGH16 == 0
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (u64::from_le_bytes(*first) | u64::from_le_bytes(*last)) & HIGH == 0
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (u32::from_le_bytes(*first) | u32::from_le_bytes(*last)) & 0x8080_8080 == 0
    } else {
        bytes.iter().fold(0, |all, byte| all | byte) < 0x80
    }
}
