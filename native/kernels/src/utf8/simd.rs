//! The variants of simdutf8, and for AVX-512 a run over ASCII in front of them.

use simdutf8::basic::imp;

use super::scalar;
use crate::level::Usable;
use crate::simd::at_level;

/// `bytes` were found to be UTF-8.
pub fn unchecked(bytes: &[u8]) -> &str {
    debug_assert!(scalar::validate(bytes));
    // SAFETY: only called after `validate`.
    unsafe { core::str::from_utf8_unchecked(bytes) }
}

pub fn validate(level: Usable, bytes: &[u8]) -> bool {
    at_level!(
        level,
        sse42: whole::<imp::x86::sse42::ChunkedUtf8ValidatorImp>(bytes),
        avx2: whole::<imp::x86::avx2::ChunkedUtf8ValidatorImp>(bytes),
        avx512: avx512(bytes),
        neon: whole::<imp::aarch64::neon::ChunkedUtf8ValidatorImp>(bytes),
        scalar: scalar::validate(bytes)
    )
}

/// # Safety
/// The machine has the instructions of `V`.
#[inline(always)]
unsafe fn whole<V: imp::ChunkedUtf8Validator>(bytes: &[u8]) -> bool {
    let (blocks, rest) = bytes.split_at(bytes.len() & !63);
    // SAFETY: by the caller's promise; the blocks are a multiple of 64 bytes.
    unsafe {
        let mut validator = V::new();
        validator.update_from_chunks(blocks);
        validator.finalize(Some(rest)).is_ok()
    }
}

/// ASCII in blocks of 64 bytes, a masked one at the end; what follows the first other byte goes to the AVX2 variant.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx2,bmi1,bmi2")]
fn avx512(bytes: &[u8]) -> bool {
    use core::arch::x86_64::{_mm512_loadu_si512, _mm512_maskz_loadu_epi8, _mm512_movepi8_mask};
    let (mut at, len) = (0, bytes.len());
    while at < len {
        let left = len - at;
        let from = bytes[at..].as_ptr();
        let high = if left >= 64 {
            // SAFETY: 64 bytes are left.
            _mm512_movepi8_mask(unsafe { _mm512_loadu_si512(from.cast()) })
        } else {
            // SAFETY: only the `left` bytes that there are are loaded.
            _mm512_movepi8_mask(unsafe { _mm512_maskz_loadu_epi8((1 << left) - 1, from.cast()) })
        };
        if high != 0 {
            // A character does not begin before its first byte that is not ASCII.
            // SAFETY: AVX2 is a part of the level.
            return unsafe { whole::<imp::x86::avx2::ChunkedUtf8ValidatorImp>(&bytes[at..]) };
        }
        at += 64;
    }
    true
}
