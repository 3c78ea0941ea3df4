//! The plain loops, compiled for wider vectors: AVX-512 counts leading zeros itself; the others compare with each boundary.

use super::scalar;
use crate::level::Usable;
use crate::simd::at_level;

/// The loops by comparisons, which vectors have.
mod compared {
    /// Signed comparisons are what AVX2 has: so values are halved, and the boundaries with them.
    #[inline(always)]
    fn len_u64(value: u64) -> u64 {
        let half = (value >> 1).cast_signed();
        let mut len = 1;
        for bits in [7, 14, 21, 28, 35, 42, 49, 56, 63] {
            len += u64::from(half >= 1_i64 << (bits - 1));
        }
        len
    }

    #[inline(always)]
    fn len_u32(value: u32) -> u32 {
        let half = (value >> 1).cast_signed();
        let mut len = 1;
        for bits in [7, 14, 21, 28] {
            len += u32::from(half >= 1_i32 << (bits - 1));
        }
        len
    }

    #[inline(always)]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "no more than ten times what is in memory"
    )]
    pub fn len_sum_u64(values: &[u64]) -> usize {
        values.iter().map(|&value| len_u64(value)).sum::<u64>() as usize
    }

    #[inline(always)]
    pub fn len_sum_u32(values: &[u32]) -> usize {
        let of = |part: &[u32]| part.iter().map(|&value| len_u32(value)).sum::<u32>() as usize;
        values.chunks(1 << 20).map(of).sum()
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "at most ten")]
    pub fn add_lens_u64(values: &[u64], sizes: &mut [u32]) {
        for (size, &value) in sizes.iter_mut().zip(values) {
            *size = size.wrapping_add(len_u64(value) as u32);
        }
    }
}

/// Declares the variants of a kernel: the loops compiled for each level's instructions.
macro_rules! variants {
    ($name:ident($($arg:ident: $type:ty),*) $(-> $out:ty)?) => {
        pub fn $name(level: Usable, $($arg: $type),*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "sse4.2,popcnt")]
            fn sse42($($arg: $type),*) $(-> $out)? {
                compared::$name($($arg),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
            fn avx2($($arg: $type),*) $(-> $out)? {
                compared::$name($($arg),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,bmi1,bmi2,lzcnt,popcnt")]
            fn avx512($($arg: $type),*) $(-> $out)? {
                scalar::$name($($arg),*)
            }

            #[cfg(target_arch = "aarch64")]
            #[target_feature(enable = "neon")]
            fn neon($($arg: $type),*) $(-> $out)? {
                compared::$name($($arg),*)
            }

            at_level!(
                level,
                sse42: sse42($($arg),*),
                avx2: avx2($($arg),*),
                avx512: avx512($($arg),*),
                neon: neon($($arg),*),
                scalar: scalar::$name($($arg),*)
            )
        }
    };
}

variants!(len_sum_u64(values: &[u64]) -> usize);
variants!(len_sum_u32(values: &[u32]) -> usize);
variants!(add_lens_u64(values: &[u64], sizes: &mut [u32]));
