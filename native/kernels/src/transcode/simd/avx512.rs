//! AVX-512: 16 units become 16 lanes of four bytes each, of which those that are not needed are squeezed out.

use core::arch::x86_64::{
    __m128i, __m512i, __mmask16, _mm_loadu_si128, _mm_mask_storeu_epi8, _mm_maskz_loadu_epi8, _mm_storeu_si128,
    _mm256_loadu_si256, _mm256_maskz_loadu_epi16, _mm512_and_si512, _mm512_cmpeq_epi32_mask, _mm512_cmpge_epu32_mask,
    _mm512_cmpgt_epu32_mask, _mm512_cvtepi32_epi8, _mm512_cvtepu8_epi32, _mm512_cvtepu16_epi32, _mm512_loadu_si512,
    _mm512_mask_mov_epi32, _mm512_mask_slli_epi32, _mm512_mask_storeu_epi8, _mm512_maskz_compress_epi8,
    _mm512_maskz_loadu_epi32, _mm512_movepi8_mask, _mm512_multishift_epi64_epi8, _mm512_or_si512, _mm512_set1_epi32,
    _mm512_set1_epi64, _mm512_storeu_si512,
};

use super::super::BadUnit;
use super::Unit;
use crate::simd::Cursor;

/// Units of a block.
const BLOCK: usize = 16;
/// Bytes of a full store.
const STORE: usize = 64;

/// A unit of which 16 are loaded into lanes of 32 bits.
trait Lanes: Unit {
    /// # Safety
    /// Sixteen units can be read there, and the machine has AVX-512.
    unsafe fn load(from: *const Self) -> __m512i;

    /// The units of `mask`; the others are zero.
    ///
    /// # Safety
    /// The units of the mask can be read there, and the machine has AVX-512.
    unsafe fn load_some(mask: __mmask16, from: *const Self) -> __m512i;
}

impl Lanes for u8 {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn load(from: *const Self) -> __m512i {
        // SAFETY: by the caller's promise.
        _mm512_cvtepu8_epi32(unsafe { _mm_loadu_si128(from.cast()) })
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn load_some(mask: __mmask16, from: *const Self) -> __m512i {
        // SAFETY: by the caller's promise.
        _mm512_cvtepu8_epi32(unsafe { _mm_maskz_loadu_epi8(mask, from.cast()) })
    }
}

impl Lanes for u16 {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn load(from: *const Self) -> __m512i {
        // SAFETY: by the caller's promise.
        _mm512_cvtepu16_epi32(unsafe { _mm256_loadu_si256(from.cast()) })
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn load_some(mask: __mmask16, from: *const Self) -> __m512i {
        // SAFETY: by the caller's promise.
        _mm512_cvtepu16_epi32(unsafe { _mm256_maskz_loadu_epi16(mask, from.cast()) })
    }
}

impl Lanes for u32 {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn load(from: *const Self) -> __m512i {
        // SAFETY: by the caller's promise.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn load_some(mask: __mmask16, from: *const Self) -> __m512i {
        // SAFETY: by the caller's promise.
        unsafe { _mm512_maskz_loadu_epi32(mask, from.cast()) }
    }
}

/// Where the bytes go, and how many may still be overwritten there.
struct Room<'c> {
    out: &'c mut Cursor,
    size: usize,
}

impl Room<'_> {
    fn left(&self) -> usize {
        self.size - self.out.written().len()
    }

    /// The first `len` bytes.
    ///
    /// # Safety
    /// `0 < len <= 16`, and so many bytes of room are left.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn store16(&mut self, bytes: __m128i, len: usize) {
        // SAFETY: a full store where 16 bytes are left, else one of `len` bytes, which are left.
        unsafe {
            if self.left() >= BLOCK {
                _mm_storeu_si128(self.out.claimed(BLOCK).cast(), bytes);
            } else {
                _mm_mask_storeu_epi8(self.out.claimed(len).cast(), u16::MAX >> (BLOCK - len), bytes);
            }
            self.out.advance(len);
        }
    }

    /// The first `len` bytes.
    ///
    /// # Safety
    /// `0 < len <= 64`, and so many bytes of room are left.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn store64(&mut self, bytes: __m512i, len: usize) {
        // SAFETY: a full store where 64 bytes are left, else one of `len` bytes, which are left.
        unsafe {
            if self.left() >= STORE {
                _mm512_storeu_si512(self.out.claimed(STORE).cast(), bytes);
            } else {
                _mm512_mask_storeu_epi8(self.out.claimed(len).cast(), u64::MAX >> (STORE - len), bytes);
            }
            self.out.advance(len);
        }
    }

    /// The first `count` lanes. An error names the lane.
    ///
    /// # Safety
    /// `0 < count <= 16`, the other lanes are zero, and the most bytes of `count` units are left.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi1,popcnt")]
    unsafe fn lanes(&mut self, lanes: __m512i, count: usize) -> Result<(), usize> {
        /// For each 64 bits, of two lanes the bits from 18, 12, 6 and 0 on, as bytes.
        const PARTS: i64 = i64::from_le_bytes([18, 12, 6, 0, 50, 44, 38, 32]);
        let all = |bits: u32| _mm512_set1_epi32(bits.cast_signed());

        let two = _mm512_cmpge_epu32_mask(lanes, all(0x80));
        if two == 0 {
            // SAFETY: a byte a unit is left.
            unsafe { self.store16(_mm512_cvtepi32_epi8(lanes), count) };
            return Ok(());
        }
        let three = _mm512_cmpge_epu32_mask(lanes, all(0x800));
        let four = _mm512_cmpge_epu32_mask(lanes, all(0x1_0000));
        let surrogate = _mm512_cmpeq_epi32_mask(_mm512_and_si512(lanes, all(0xFFFF_F800)), all(0xD800));
        let bad = surrogate | _mm512_cmpgt_epu32_mask(lanes, all(0x10_FFFF));
        if bad != 0 {
            return Err(bad.trailing_zeros() as usize);
        }

        // Bytes of a lane: the first of four, of three, of two, of one.
        let parts = _mm512_multishift_epi64_epi8(_mm512_set1_epi64(PARTS), lanes);
        let parts = _mm512_or_si512(_mm512_and_si512(parts, all(0x3F3F_3F3F)), all(0x8080_8080));
        let first = _mm512_mask_mov_epi32(all(0x0040_0000), three, all(0x0000_6000));
        let first = _mm512_mask_mov_epi32(first, four, all(0x0000_0070));
        let bytes = _mm512_or_si512(parts, first);
        let bytes = _mm512_mask_slli_epi32::<24>(bytes, !two, lanes);

        let kept = _mm512_mask_mov_epi32(all(0xFF00_0000), two, all(0xFFFF_0000));
        let kept = _mm512_mask_mov_epi32(kept, three, all(0xFFFF_FF00));
        let kept = _mm512_mask_mov_epi32(kept, four, all(0xFFFF_FFFF));
        let kept = _mm512_movepi8_mask(kept) & u64::MAX >> (STORE - 4 * count);
        // SAFETY: at least a byte for each unit, and no more than the unit can take.
        unsafe { self.store64(_mm512_maskz_compress_epi8(kept, bytes), kept.count_ones() as usize) };
        Ok(())
    }
}

/// The units from `from` on.
///
/// # Safety
/// The room has the most bytes that they can take.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi1,popcnt")]
unsafe fn write<U: Lanes>(units: &[U], mut from: usize, room: &mut Room<'_>) -> Result<(), BadUnit> {
    let bad = |from: usize| move |lane: usize| BadUnit { index: from + lane };
    // SAFETY: loads are of units that are there; the room is the caller's promise.
    unsafe {
        while units.len() - from >= BLOCK {
            room.lanes(U::load(units.as_ptr().add(from)), BLOCK)
                .map_err(bad(from))?;
            from += BLOCK;
        }
        let count = units.len() - from;
        if count > 0 {
            let mask = (1 << count) - 1;
            room.lanes(U::load_some(mask, units.as_ptr().add(from)), count)
                .map_err(bad(from))?;
        }
    }
    Ok(())
}

/// # Safety
/// The room behind `out` has `room` bytes, which are at least the most that the units take.
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,lzcnt,popcnt")]
pub unsafe fn latin1(units: &[u8], room: usize, out: &mut Cursor) -> Result<(), BadUnit> {
    let (mut room, mut from) = (Room { out, size: room }, 0);
    // SAFETY: loads are of 64 units that are there; the room is the caller's promise.
    unsafe {
        while units.len() - from >= STORE {
            let ascii = _mm512_loadu_si512(units.as_ptr().add(from).cast());
            if _mm512_movepi8_mask(ascii) == 0 {
                room.store64(ascii, STORE);
            } else {
                write(&units[..from + STORE], from, &mut room)?;
            }
            from += STORE;
        }
        write(units, from, &mut room)
    }
}

/// # Safety
/// The room behind `out` has `room` bytes, which are at least the most that the units take.
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,lzcnt,popcnt")]
pub unsafe fn ucs2(units: &[u16], room: usize, out: &mut Cursor) -> Result<(), BadUnit> {
    // SAFETY: by the caller's promise.
    unsafe { write(units, 0, &mut Room { out, size: room }) }
}

/// # Safety
/// The room behind `out` has `room` bytes, which are at least the most that the units take.
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,lzcnt,popcnt")]
pub unsafe fn ucs4(units: &[u32], room: usize, out: &mut Cursor) -> Result<(), BadUnit> {
    // SAFETY: by the caller's promise.
    unsafe { write(units, 0, &mut Room { out, size: room }) }
}
