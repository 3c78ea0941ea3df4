//! [`Shared`]: arrays that belong to somebody else, who may write to them while they are read.

use std::marker::PhantomData;
use std::mem::MaybeUninit;

/// Numbers of which every bit pattern is one.
pub trait Plain: Copy + Send + Sync + 'static {}

impl Plain for u8 {}
impl Plain for i8 {}
impl Plain for u16 {}
impl Plain for i16 {}
impl Plain for u32 {}
impl Plain for i32 {}
impl Plain for u64 {}
impl Plain for i64 {}
impl Plain for f32 {}
impl Plain for f64 {}

/// A borrowed array that another thread may change at any time: what is read may be old, new or torn, never out of bounds. Whoever
/// decides by a value reads it once.
#[derive(Clone, Copy, Debug)]
pub struct Shared<'a, T> {
    start: *const T,
    len: usize,
    life: PhantomData<&'a T>,
}

// SAFETY: only values are read, and plain ones.
unsafe impl<T: Plain> Send for Shared<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Plain> Sync for Shared<'_, T> {}

impl<'a, T: Plain> Shared<'a, T> {
    /// # Safety
    /// `start` is aligned and readable for `len` values as long as `'a` lasts.
    #[must_use]
    pub const unsafe fn new(start: *const T, len: usize) -> Self {
        Self {
            start,
            len,
            life: PhantomData,
        }
    }

    /// Values.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// One value, read once.
    ///
    /// # Panics
    /// Outside of the array.
    #[must_use]
    #[inline(always)]
    pub fn get(&self, index: usize) -> T {
        assert!(index < self.len);
        // SAFETY: within the array, which is readable; volatile, so that it is not read a second time.
        unsafe { self.start.add(index).read_volatile() }
    }

    /// A value and the one behind it, each read once.
    ///
    /// # Panics
    /// Outside of the array.
    #[must_use]
    #[inline(always)]
    pub fn pair(&self, index: usize) -> (T, T) {
        assert!(self.len > 1 && index < self.len - 1);
        // SAFETY: both are within the array, which is readable; volatile as in `get`.
        unsafe {
            let first = self.start.add(index);
            (first.read_volatile(), first.add(1).read_volatile())
        }
    }

    /// Where the array begins.
    #[must_use]
    #[inline(always)]
    pub const fn start(&self) -> *const T {
        self.start
    }

    /// Some of the values as a slice, whose content may change under whoever looks at it: only for functions that answer a question
    /// about it and rely on nothing.
    ///
    /// # Panics
    /// Outside of the array.
    #[must_use]
    #[inline(always)]
    pub fn slice(&self, from: usize, to: usize) -> &'a [T] {
        assert!(from <= to && to <= self.len);
        // SAFETY: within the array, which is readable for `'a`. Where Python code writes there meanwhile it is a data race by the letter,
        // accepted for the reasons in docs/unsafe.md.
        unsafe { std::slice::from_raw_parts(self.start.add(from), to - from) }
    }
}

impl Shared<'_, u8> {
    /// Eight bytes as a number, the first byte the lowest; none if there are not so many. Nobody may rely on a second look at it being
    /// the same.
    #[must_use]
    #[inline(always)]
    pub fn word(&self, at: usize) -> Option<u64> {
        if self.len < 8 || at > self.len - 8 {
            return None;
        }
        // SAFETY: eight bytes from there on are within the array, which is readable.
        let word = unsafe { self.start.add(at).cast::<[u8; 8]>().read_unaligned() };
        Some(u64::from_le_bytes(word))
    }
}

impl<'a, T: Plain> From<&'a [T]> for Shared<'a, T> {
    fn from(slice: &'a [T]) -> Self {
        // SAFETY: a slice is aligned and readable as long as it is borrowed.
        unsafe { Self::new(slice.as_ptr(), slice.len()) }
    }
}

/// Asks for pages of 2 MiB under memory that is written once from one end to the other: a fault each 4 KiB costs more than the writing.
/// A hint: nothing depends on it.
pub(crate) fn prefer_huge_pages<T>(memory: &mut [MaybeUninit<T>]) {
    const HUGE: usize = 2 << 20;
    #[cfg(all(target_os = "linux", not(miri)))]
    {
        let start = memory.as_mut_ptr().cast::<u8>();
        let skip = start.align_offset(HUGE);
        let whole = size_of_val(memory).saturating_sub(skip) / HUGE * HUGE;
        if whole >= HUGE {
            // SAFETY: whole pages within memory that is borrowed mutably; the advice does not change what it holds.
            unsafe { libc::madvise(start.add(skip).cast(), whole, libc::MADV_HUGEPAGE) };
        }
    }
    let _ = (memory, HUGE);
}
