//! Kernels that were tried and are not in the crate: what would each gain beside what is done instead? The results, and why it is not worth
//! it, are in docs/adr/0009-kernels.md.
#![allow(unsafe_code)]

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};

fn group<'c>(criterion: &'c mut Criterion, name: &str) -> BenchmarkGroup<'c, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group
        .sample_size(60)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(300));
    group
}

fn one(of: &mut BenchmarkGroup<'_, WallTime>, name: &str, mut call: impl FnMut()) {
    of.bench_function(name, |bencher| bencher.iter(&mut call));
}

/// An attribute's entry in a record: its hash and its place.
type Entry = (u32, u32);

/// As `native/record/src/attributes.rs` has it: without an early way out.
#[inline(always)]
fn has(entries: &[Entry], hash: u32) -> bool {
    entries.iter().filter(|entry| entry.0 == hash).count() != 0
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        _mm512_and_si512, _mm512_cmpeq_epi64_mask, _mm512_loadu_si512, _mm512_mask_storeu_epi8,
        _mm512_maskz_loadu_epi8, _mm512_maskz_loadu_epi64, _mm512_set1_epi64, _pdep_u64,
    };

    use super::Entry;

    #[target_feature(enable = "avx2")]
    pub fn has_avx2(entries: &[Entry], hash: u32) -> bool {
        super::has(entries, hash)
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    pub fn has_avx512(entries: &[Entry], hash: u32) -> bool {
        let (low, wanted) = (
            _mm512_set1_epi64(0xFFFF_FFFF),
            _mm512_set1_epi64(hash.into()),
        );
        let mut at = 0;
        while at < entries.len() {
            let left = entries.len() - at;
            // SAFETY: eight entries of eight bytes, or as many as are left.
            let eight = unsafe {
                if left >= 8 {
                    _mm512_loadu_si512(entries.as_ptr().add(at).cast())
                } else {
                    _mm512_maskz_loadu_epi64((1 << left) - 1, entries.as_ptr().add(at).cast())
                }
            };
            let found = _mm512_cmpeq_epi64_mask(_mm512_and_si512(eight, low), wanted);
            if found & if left >= 8 { 0xFF } else { (1 << left) - 1 } != 0 {
                return true;
            }
            at += 8;
        }
        false
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,lzcnt")]
    pub fn sum_avx512(values: &[u64]) -> usize {
        super::sum(values)
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,lzcnt")]
    pub fn add_avx512(values: &[u64], sizes: &mut [u32]) {
        super::add(values, sizes);
    }

    /// Copies texts of up to 64 bytes one behind the other.
    ///
    /// # Safety
    /// `out` has room for all.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    pub unsafe fn masked(texts: &[&[u8]], mut out: *mut u8) {
        for text in texts {
            let mask = u64::MAX
                .checked_shr(64 - u32::try_from(text.len()).unwrap_or(64))
                .unwrap_or(0);
            // SAFETY: only the text's bytes are read, and so many written.
            unsafe {
                _mm512_mask_storeu_epi8(
                    out.cast(),
                    mask,
                    _mm512_maskz_loadu_epi8(mask, text.as_ptr().cast()),
                );
                out = out.add(text.len());
            }
        }
    }

    /// Packs values below 2^56, eight bytes at a time.
    ///
    /// # Safety
    /// `out` has room for eight bytes more than all take.
    #[target_feature(enable = "bmi2,lzcnt")]
    pub unsafe fn pack(values: &[u64], mut out: *mut u8) -> *mut u8 {
        for &value in values {
            let len = super::varint_len(value);
            let more = 0x8080_8080_8080_8080 & ((1 << (8 * (len - 1))) - 1);
            // SAFETY: by the caller's promise.
            unsafe {
                out.cast::<u64>()
                    .write_unaligned(_pdep_u64(value, 0x7F7F_7F7F_7F7F_7F7F) | more);
                out = out.add(len);
            }
        }
        out
    }
}

fn varint_len(value: u64) -> usize {
    ((64 - (value | 1).leading_zeros() as usize) * 9 + 64) / 64
}

fn key_lookup(criterion: &mut Criterion) {
    for count in [5, 12, 24, 64] {
        let entries: Vec<Entry> = (0..count)
            .map(|number: u32| (number.wrapping_mul(0x9E37_79B9), number))
            .collect();
        let mut of = group(criterion, &format!("key lookup among {count} attributes"));
        one(&mut of, "instead", || {
            black_box(has(black_box(&entries), black_box(1)));
        });
        #[cfg(target_arch = "x86_64")]
        if std::is_x86_feature_detected!("avx2") {
            // SAFETY: just asked.
            one(&mut of, "avx2", || unsafe {
                black_box(x86::has_avx2(black_box(&entries), black_box(1)));
            });
        }
        #[cfg(target_arch = "x86_64")]
        if std::is_x86_feature_detected!("avx512bw") && std::is_x86_feature_detected!("avx512vl") {
            // SAFETY: just asked.
            one(&mut of, "avx512", || unsafe {
                black_box(x86::has_avx512(black_box(&entries), black_box(1)));
            });
        }
        of.finish();
    }
}

/// Two loads and two stores that overlap, as `native/wire/src/protobuf/arena/cursor.rs` has them.
///
/// # Safety
/// `out` has room for all.
unsafe fn overlapping(texts: &[&[u8]], mut out: *mut u8) {
    /// # Safety
    /// `K <= n <= 2 * K`; `n` bytes can be read and written.
    #[inline(always)]
    unsafe fn ends<const K: usize>(from: *const u8, to: *mut u8, n: usize) {
        // SAFETY: by the caller's promise.
        unsafe {
            let last = from.add(n - K).cast::<[u8; K]>().read_unaligned();
            to.cast::<[u8; K]>()
                .write_unaligned(from.cast::<[u8; K]>().read_unaligned());
            to.add(n - K).cast::<[u8; K]>().write_unaligned(last);
        }
    }
    for text in texts {
        let (n, from) = (text.len(), text.as_ptr());
        // SAFETY: each arm copies bytes 0 to n.
        unsafe {
            match n {
                33.. => ends::<32>(from, out, n),
                16.. => ends::<16>(from, out, n),
                8.. => ends::<8>(from, out, n),
                4.. => ends::<4>(from, out, n),
                _ => (0..n).for_each(|at| out.add(at).write(from.add(at).read())),
            }
            out = out.add(n);
        }
    }
}

fn short_copies(criterion: &mut Criterion) {
    let lengths = [19, 3, 8, 9, 25, 11, 9, 4, 40, 13, 9, 15, 22, 11, 29, 12];
    let source = [b'x'; 64];
    let texts: Vec<&[u8]> = lengths.iter().map(|&len| &source[..len]).collect();
    let mut room = vec![0_u8; 1024];
    let mut of = group(criterion, "16 copies of 3 to 40 bytes");
    one(&mut of, "instead", || {
        // SAFETY: 239 bytes into 1,024.
        unsafe { overlapping(black_box(&texts), room.as_mut_ptr()) };
        black_box(&mut room);
    });
    one(&mut of, "memcpy", || {
        let mut at = 0;
        for text in black_box(&texts) {
            room[at..at + text.len()].copy_from_slice(text);
            at += text.len();
        }
        black_box(&mut room);
    });
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx512bw") && std::is_x86_feature_detected!("avx512vl") {
        one(&mut of, "avx512", || {
            // SAFETY: just asked; 239 bytes into 1,024.
            unsafe { x86::masked(black_box(&texts), room.as_mut_ptr()) };
            black_box(&mut room);
        });
    }
    of.finish();
}

/// Byte by byte, as `native/wire/src/protobuf/arena/cursor.rs` has it.
///
/// # Safety
/// `out` has room for all.
unsafe fn by_bytes(values: &[u64], mut out: *mut u8) -> *mut u8 {
    for &value in values {
        let mut rest = value;
        // SAFETY: by the caller's promise.
        unsafe {
            while rest >= 0x80 {
                out.write((rest & 0x7F) as u8 | 0x80);
                out = out.add(1);
                rest >>= 7;
            }
            out.write((rest & 0x7F) as u8);
            out = out.add(1);
        }
    }
    out
}

#[inline(always)]
fn sum(values: &[u64]) -> usize {
    values.iter().map(|&value| varint_len(value)).sum()
}

#[inline(always)]
fn add(values: &[u64], sizes: &mut [u32]) {
    for (size, &value) in sizes.iter_mut().zip(values) {
        *size += ((64 - (value | 1).leading_zeros()) * 9 + 64) / 64;
    }
}

fn lengths(criterion: &mut Criterion) {
    let values: Vec<u64> = (0..2048)
        .map(|number| u64::MAX >> (number * 7 % 64))
        .collect();
    let mut sizes = vec![0; 2048];
    let mut of = group(criterion, "lengths of 2,048 varints, their sum");
    one(&mut of, "instead", || {
        black_box(sum(black_box(&values)));
    });
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx512cd") && std::is_x86_feature_detected!("avx512dq") {
        // SAFETY: just asked.
        one(&mut of, "avx512", || unsafe {
            black_box(x86::sum_avx512(black_box(&values)));
        });
    }
    of.finish();
    let mut of = group(criterion, "lengths of 2,048 varints, added to sizes");
    one(&mut of, "instead", || {
        sizes.fill(0);
        add(black_box(&values), &mut sizes);
    });
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx512cd") && std::is_x86_feature_detected!("avx512dq") {
        // SAFETY: just asked.
        one(&mut of, "avx512", || unsafe {
            sizes.fill(0);
            x86::add_avx512(black_box(&values), &mut sizes);
        });
    }
    of.finish();
}

fn packing(criterion: &mut Criterion) {
    let mut state = 1_u64;
    let mut random = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state >> 33
    };
    let statuses: Vec<u64> = (0..1024)
        .map(|_| [200, 204, 404, 500][(random() % 4) as usize])
        .collect();
    let sizes: Vec<u64> = (0..1024)
        .map(|_| (random() << 20) >> (random() % 50))
        .collect();
    for (name, values) in [("status codes", statuses), ("sizes of all lengths", sizes)] {
        let mut room = vec![0_u8; 16_384];
        let mut of = group(criterion, &format!("1,024 varints, {name}"));
        one(&mut of, "instead", || {
            // SAFETY: at most ten bytes a value.
            black_box(unsafe { by_bytes(black_box(&values), room.as_mut_ptr()) });
        });
        #[cfg(target_arch = "x86_64")]
        if std::is_x86_feature_detected!("bmi2") && std::is_x86_feature_detected!("lzcnt") {
            one(&mut of, "bmi2", || {
                // SAFETY: just asked; at most eight bytes a value.
                black_box(unsafe { x86::pack(black_box(&values), room.as_mut_ptr()) });
            });
        }
        of.finish();
    }
}

/// As `native/json/src/base64.rs` has it.
fn by_groups(bytes: &[u8], out: &mut Vec<u8>) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for group in bytes.chunks(3) {
        let mut bits = 0;
        for index in 0..3 {
            bits = bits << 8 | usize::from(group.get(index).copied().unwrap_or(0));
        }
        for index in 0..4 {
            let digit = ALPHABET[bits >> (18 - 6 * index) & 63];
            out.push(if index <= group.len() { digit } else { b'=' });
        }
    }
}

fn base64(criterion: &mut Criterion) {
    for size in [16, 1024] {
        let bytes: Vec<u8> = (0..size)
            .map(|index: u32| (index.wrapping_mul(0x9E37_79B9) >> 24) as u8)
            .collect();
        let mut out = Vec::with_capacity(4096);
        let mut of = group(criterion, &format!("base64 of {size} bytes"));
        one(&mut of, "instead", || {
            out.clear();
            by_groups(black_box(&bytes), &mut out);
        });
        one(&mut of, "base64-simd", || {
            out.clear();
            out.extend_from_slice(
                base64_simd::STANDARD
                    .encode_to_string(black_box(&bytes))
                    .as_bytes(),
            );
        });
        of.finish();
    }
}

criterion_group!(benches, key_lookup, short_copies, lengths, packing, base64);
criterion_main!(benches);
