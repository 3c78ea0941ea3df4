//! The variants of simdutf8, which are for what is not all ASCII: that, and short texts, the standard library sees faster. simdutf8 has none for
//! AVX-512; one of ours in front of AVX2's was no faster.

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
        sse42: bytes.is_ascii() || whole::<imp::x86::sse42::ChunkedUtf8ValidatorImp>(bytes),
        avx2: bytes.is_ascii() || whole::<imp::x86::avx2::ChunkedUtf8ValidatorImp>(bytes),
        avx512: bytes.is_ascii() || whole::<imp::x86::avx2::ChunkedUtf8ValidatorImp>(bytes),
        neon: bytes.is_ascii() || whole::<imp::aarch64::neon::ChunkedUtf8ValidatorImp>(bytes),
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
