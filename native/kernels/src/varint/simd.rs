//! Compiled for each level: AVX-512 counts leading zeros in vectors. The others have no such instruction, but compare values of 32 bits with
//! each boundary, which is faster still than one by one; for 64 bits it is not.

use super::scalar;
use crate::level::Usable;
use crate::simd::at_level;

#[inline(always)]
fn compared(value: u32) -> u32 {
    // Signed comparisons are what there is: so values are halved, and the boundaries with them.
    let half = (value >> 1).cast_signed();
    let mut len = 1;
    for bits in [7, 14, 21, 28] {
        len += u32::from(half >= 1_i32 << (bits - 1));
    }
    len
}

/// In parts, so that sums fit 32 bits.
#[inline(always)]
fn compared_sum(values: &[u32]) -> usize {
    let of = |part: &[u32]| part.iter().map(|&value| compared(value)).sum::<u32>() as usize;
    values.chunks(1 << 20).map(of).sum()
}

/// Declares the variants of a kernel: the plain loop with instructions of AVX2's and AVX-512's generations, another with vectors before.
macro_rules! variants {
    ($name:ident($($arg:ident: $type:ty),*) $(-> $out:ty)?, avx2: $avx2:path, others: $others:path) => {
        pub fn $name(level: Usable, $($arg: $type),*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "sse4.2,popcnt")]
            fn sse42($($arg: $type),*) $(-> $out)? {
                $others($($arg),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
            fn avx2($($arg: $type),*) $(-> $out)? {
                $avx2($($arg),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,bmi1,bmi2,lzcnt,popcnt")]
            fn avx512($($arg: $type),*) $(-> $out)? {
                scalar::$name($($arg),*)
            }

            #[cfg(target_arch = "aarch64")]
            #[target_feature(enable = "neon")]
            fn neon($($arg: $type),*) $(-> $out)? {
                $others($($arg),*)
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

variants!(len_sum_u64(values: &[u64]) -> usize, avx2: scalar::len_sum_u64, others: scalar::len_sum_u64);
variants!(len_sum_u32(values: &[u32]) -> usize, avx2: compared_sum, others: compared_sum);
variants!(add_lens_u64(values: &[u64], sizes: &mut [u32]), avx2: scalar::add_lens_u64, others: scalar::add_lens_u64);
