//! Python ints, read digit by digit where the interpreter's layout was proved, by its API otherwise.
//!
//! The layout (30-bit digits behind a size or tag word) is in `CPython`'s public headers but not in `pyo3-ffi`;
//! [`Ints::prove`] compares samples before it is relied on.

use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyInt;

use super::object::Ref;

// SAFETY: declared as in the headers of `CPython` 3.10 to 3.12.
#[cfg(not(Py_3_13))]
unsafe extern "C" {
    /// Not in `pyo3-ffi`, as the next: negative, zero or positive.
    fn _PyLong_Sign(int: *mut ffi::PyObject) -> std::ffi::c_int;
    /// Bits of the magnitude.
    fn _PyLong_NumBits(int: *mut ffi::PyObject) -> usize;
}

/// Bits of one digit.
const DIGIT_BITS: u32 = 30;

/// Reads ints; made by [`Ints::prove`].
#[derive(Clone, Copy, Debug)]
pub struct Ints {
    by_digits: bool,
}

/// The number that an int, of whatever subclass, holds, if it fits; no method of it is called.
pub fn plain_i64(int: &Bound<'_, PyInt>) -> Option<i64> {
    // SAFETY: owned, immutable, and reading it runs no Python code.
    Ints::by_api().i64(unsafe { Ref::new(int.as_ptr()) })
}

/// Magnitude as digits, low first, and sign.
struct Digits {
    first: *const u32,
    len: usize,
    negative: bool,
}

/// # Safety
/// `int` is a live int (or subclass).
#[inline(always)]
unsafe fn digits(int: *mut ffi::PyObject) -> Digits {
    // SAFETY: after the object's head come one word, the size or tag, and the digits.
    unsafe {
        let word = int.add(1).cast::<isize>();
        let first = word.add(1).cast::<u32>();
        if cfg!(Py_3_12) {
            // Low two bits: 0 positive, 1 zero, 2 negative; the third is a flag; above them the number of digits.
            let tag = (*word).cast_unsigned();
            Digits {
                first,
                len: tag >> 3,
                negative: tag & 3 == 2,
            }
        } else {
            // Negative size: negative number.
            let size = *word;
            Digits {
                first,
                len: size.unsigned_abs(),
                negative: size < 0,
            }
        }
    }
}

impl Ints {
    /// Reads by digits if that gives what the API gives for `samples`, which must be live ints.
    pub fn prove(samples: &[Ref<'_>]) -> Self {
        let (slow, fast) = (Self::by_api(), Self { by_digits: true });
        let same = !samples.is_empty()
            && samples.iter().all(|&sample| {
                slow.u64(sample) == fast.u64(sample)
                    && slow.i64(sample) == fast.i64(sample)
                    && slow.u128(sample) == fast.u128(sample)
            });
        if same { fast } else { slow }
    }

    /// Reads by the interpreter's API.
    pub const fn by_api() -> Self {
        Self { by_digits: false }
    }

    /// Whether digits are read in place.
    pub fn by_digits(self) -> bool {
        self.by_digits
    }

    /// An exact or subclassed int (bools too) as an unsigned 64-bit number.
    #[inline(always)]
    pub fn u64(self, int: Ref<'_>) -> Option<u64> {
        if !is_int(int) {
            return None;
        }
        if self.by_digits {
            // SAFETY: it is an int; only digits below `len` are read.
            return unsafe {
                let Digits { first, len, negative } = digits(int.as_ptr());
                if negative || len > 3 || (len == 3 && *first.add(2) > 0xF) {
                    return None;
                }
                Some(low(first, len))
            };
        }
        api_bytes::<8>(int).map(u64::from_le_bytes)
    }

    /// An int as an unsigned 128-bit number.
    #[inline(always)]
    pub fn u128(self, int: Ref<'_>) -> Option<u128> {
        if !is_int(int) {
            return None;
        }
        if self.by_digits {
            // SAFETY: it is an int; only digits below `len` are read.
            return unsafe {
                let Digits { first, len, negative } = digits(int.as_ptr());
                if negative || len > 5 || (len == 5 && *first.add(4) > 0xFF) {
                    return None;
                }
                let mut value = u128::from(low(first, len.min(2)));
                for (at, shift) in (2..len).zip([2 * DIGIT_BITS, 3 * DIGIT_BITS, 4 * DIGIT_BITS]) {
                    value |= u128::from(*first.add(at)) << shift;
                }
                Some(value)
            };
        }
        api_bytes::<16>(int).map(u128::from_le_bytes)
    }

    /// An int as a signed 64-bit number.
    #[inline(always)]
    pub fn i64(self, int: Ref<'_>) -> Option<i64> {
        if !is_int(int) {
            return None;
        }
        if self.by_digits {
            // SAFETY: it is an int; only digits below `len` are read.
            unsafe {
                let Digits { first, len, negative } = digits(int.as_ptr());
                if len <= 2 {
                    let magnitude = low(first, len).cast_signed();
                    return Some(if negative { -magnitude } else { magnitude });
                }
            }
        }
        let mut overflow = 0;
        // SAFETY: a live int: no Python code runs, and overflow is told apart.
        let value = unsafe { ffi::PyLong_AsLongLongAndOverflow(int.as_ptr(), &raw mut overflow) };
        (overflow == 0).then_some(value)
    }
}

#[inline(always)]
fn is_int(object: Ref<'_>) -> bool {
    // SAFETY: reads the type of a live object.
    unsafe { ptr::eq(object.type_ptr(), &raw mut ffi::PyLong_Type) || ffi::PyLong_Check(object.as_ptr()) != 0 }
}

/// Up to three digits as the low 64 bits.
///
/// # Safety
/// `digits` has `len` readable digits.
#[inline(always)]
unsafe fn low(digits: *const u32, len: usize) -> u64 {
    // SAFETY: only digits below `len` are read.
    let digit = |at: usize| u64::from(unsafe { *digits.add(at) });
    match len {
        0 => 0,
        1 => digit(0),
        2 => digit(0) | digit(1) << DIGIT_BITS,
        _ => digit(0) | digit(1) << DIGIT_BITS | digit(2) << (2 * DIGIT_BITS),
    }
}

/// The low `N` bytes, little end first, of an int that is not negative and fits.
#[cold]
fn api_bytes<const N: usize>(int: Ref<'_>) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    // SAFETY: a live int and a buffer of the length given; an error is cleared.
    unsafe {
        #[cfg(Py_3_13)]
        {
            // Little end first (1), unsigned buffer (4), negative numbers are an error (8).
            let needed = ffi::PyLong_AsNativeBytes(int.as_ptr(), bytes.as_mut_ptr().cast(), N.cast_signed(), 1 | 4 | 8);
            if needed < 0 {
                ffi::PyErr_Clear();
                return None;
            }
            (needed.cast_unsigned() <= N).then_some(bytes)
        }
        #[cfg(not(Py_3_13))]
        {
            // Asked first: an error is an object, and making one may collect garbage, which runs finalizers before 3.12.
            if _PyLong_Sign(int.as_ptr()) < 0 || _PyLong_NumBits(int.as_ptr()) > N * 8 {
                return None;
            }
            if ffi::_PyLong_AsByteArray(int.as_ptr().cast(), bytes.as_mut_ptr(), N, 1, 0) != 0 {
                ffi::PyErr_Clear();
                return None;
            }
            Some(bytes)
        }
    }
}
