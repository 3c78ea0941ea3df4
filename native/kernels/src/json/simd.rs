//! By blocks with one branch each; the last block overlaps the one before, or is masked. Texts shorter than a block go by words.

use super::scalar;
use crate::level::Usable;
use crate::simd::at_level;

pub fn first_escape(level: Usable, text: &[u8]) -> usize {
    at_level!(
        level,
        sse42: x86::sse42(text),
        avx2: x86::avx2(text),
        avx512: x86::avx512(text),
        neon: neon(text),
        scalar: scalar::first_escape(text)
    )
}

/// Blocks of `N` bytes, of which `found` says which bytes need an escape, as bits.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[inline(always)]
fn blocks<const N: usize>(text: &[u8], found: impl Fn(&[u8; N]) -> u64) -> usize {
    let Some(last) = text.last_chunk::<N>() else {
        return short(text);
    };
    for (number, block) in text.as_chunks::<N>().0.iter().enumerate() {
        let bits = found(block);
        if bits != 0 {
            return number * N + bits.trailing_zeros() as usize;
        }
    }
    match found(last) {
        0 => text.len(),
        bits => text.len() - N + bits.trailing_zeros() as usize,
    }
}

/// Fewer bytes than a block: words that overlap, then byte by byte.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[inline(always)]
fn short(text: &[u8]) -> usize {
    const WORD: usize = 8;
    let Some(last) = text.last_chunk::<WORD>() else {
        return scalar::first_escape(text);
    };
    for (number, word) in text.as_chunks::<WORD>().0.iter().enumerate() {
        if scalar::word_needs_escape(u64::from_le_bytes(*word)) {
            return number * WORD + scalar::first_escape(word);
        }
    }
    if scalar::word_needs_escape(u64::from_le_bytes(*last)) {
        return text.len() - WORD + scalar::first_escape(last);
    }
    text.len()
}

#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
fn neon(text: &[u8]) -> usize {
    // A loop without a branch, of which compilers make vectors, and another one for the rare block where there is one.
    blocks::<16>(text, |block| {
        if block
            .iter()
            .fold(0, |all, &byte| all | u8::from(scalar::needs_escape(byte)))
            == 0
        {
            return 0;
        }
        1 << scalar::first_escape(block)
    })
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use core::arch::x86_64::{
        _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
        _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_min_epu8, _mm256_movemask_epi8, _mm256_or_si256,
        _mm256_set1_epi8, _mm512_cmpeq_epi8_mask, _mm512_cmplt_epu8_mask, _mm512_loadu_si512, _mm512_maskz_loadu_epi8,
        _mm512_set1_epi8,
    };

    /// The last control character.
    const CONTROL: i8 = 0x1F;
    const QUOTE: i8 = b'"'.cast_signed();
    const BACKSLASH: i8 = b'\\'.cast_signed();

    #[target_feature(enable = "sse4.2,popcnt")]
    pub fn sse42(text: &[u8]) -> usize {
        super::blocks::<16>(text, |block| {
            // SAFETY: the block's 16 bytes.
            let block = unsafe { _mm_loadu_si128(block.as_ptr().cast()) };
            let control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(CONTROL)), block);
            let quote = _mm_cmpeq_epi8(block, _mm_set1_epi8(QUOTE));
            let backslash = _mm_cmpeq_epi8(block, _mm_set1_epi8(BACKSLASH));
            let found = _mm_or_si128(control, _mm_or_si128(quote, backslash));
            _mm_movemask_epi8(found).cast_unsigned().into()
        })
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub fn avx2(text: &[u8]) -> usize {
        if text.len() < 32 {
            return sse42(text);
        }
        super::blocks::<32>(text, |block| {
            // SAFETY: the block's 32 bytes.
            let block = unsafe { _mm256_loadu_si256(block.as_ptr().cast()) };
            let control = _mm256_cmpeq_epi8(_mm256_min_epu8(block, _mm256_set1_epi8(CONTROL)), block);
            let quote = _mm256_cmpeq_epi8(block, _mm256_set1_epi8(QUOTE));
            let backslash = _mm256_cmpeq_epi8(block, _mm256_set1_epi8(BACKSLASH));
            let found = _mm256_or_si256(control, _mm256_or_si256(quote, backslash));
            _mm256_movemask_epi8(found).cast_unsigned().into()
        })
    }

    /// Blocks of 64 bytes, the last of which is masked.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,bmi1,bmi2")]
    pub fn avx512(text: &[u8]) -> usize {
        let mut at = 0;
        while at < text.len() {
            let left = text.len() - at;
            let from = text[at..].as_ptr();
            let (block, mask) = if left >= 64 {
                // SAFETY: 64 bytes are left.
                (unsafe { _mm512_loadu_si512(from.cast()) }, u64::MAX)
            } else {
                let mask = (1 << left) - 1;
                // SAFETY: only the `left` bytes that there are are loaded.
                (unsafe { _mm512_maskz_loadu_epi8(mask, from.cast()) }, mask)
            };
            let found = _mm512_cmplt_epu8_mask(block, _mm512_set1_epi8(CONTROL + 1))
                | _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8(QUOTE))
                | _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8(BACKSLASH));
            if found & mask != 0 {
                return at + (found & mask).trailing_zeros() as usize;
            }
            at += 64;
        }
        text.len()
    }
}
