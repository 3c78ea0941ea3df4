//! [`Cursor`]: writes into memory that a region has reserved, checked in debug builds only.

/// Writes into reserved memory.
pub(super) struct Cursor {
    pub at: *mut u8,
    #[cfg(debug_assertions)]
    pub end: *mut u8,
}

impl Cursor {
    #[inline(always)]
    fn claim(&self, n: usize) {
        #[cfg(debug_assertions)]
        assert!(
            n <= self.end as usize - self.at as usize,
            "write beyond what was reserved"
        );
        let _ = n;
    }

    /// # Safety
    /// One reserved byte is left.
    #[inline(always)]
    pub unsafe fn byte(&mut self, byte: u8) {
        self.claim(1);
        // SAFETY: the caller reserved the byte; `at` stays within or one past the reserved memory.
        unsafe {
            self.at.write(byte);
            self.at = self.at.add(1);
        }
    }

    /// # Safety
    /// `N` reserved bytes are left.
    #[inline(always)]
    pub unsafe fn array<const N: usize>(&mut self, bytes: [u8; N]) {
        self.claim(N);
        // SAFETY: the caller reserved `N` bytes; an array of bytes has no alignment.
        unsafe {
            self.at.cast::<[u8; N]>().write_unaligned(bytes);
            self.at = self.at.add(N);
        }
    }

    /// # Safety
    /// `varint_len(value)` reserved bytes are left.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)] // the low seven bits are what is wanted
    pub unsafe fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            // SAFETY: the caller reserved the varint's bytes.
            unsafe { self.byte(value as u8 | 0x80) };
            value >>= 7;
        }
        // SAFETY: as above.
        unsafe { self.byte(value as u8) };
    }

    /// Copies `bytes`; short ones without a call.
    ///
    /// # Safety
    /// `bytes.len()` reserved bytes are left.
    #[inline(always)]
    pub unsafe fn bytes(&mut self, bytes: &[u8]) {
        let (n, from, to) = (bytes.len(), bytes.as_ptr(), self.at);
        self.claim(n);
        // SAFETY: `from` is valid for `n` bytes and the caller reserved `n` bytes at `to`, which cannot overlap the source:
        // `to` is memory of a region that is borrowed mutably.
        unsafe {
            if n > 32 {
                core::ptr::copy_nonoverlapping(from, to, n);
            } else {
                copy_few(from, to, n);
            }
            self.at = to.add(n);
        }
    }

    /// Copies `bytes` without a call however many they are: for short ones, where a call alone would cost as much as the rest.
    ///
    /// # Safety
    /// `bytes.len()` reserved bytes are left.
    #[inline(always)]
    pub unsafe fn short_bytes(&mut self, bytes: &[u8]) {
        let (n, from, to) = (bytes.len(), bytes.as_ptr(), self.at);
        self.claim(n);
        // SAFETY: as in `bytes`; the blocks of 32 begin at 0, 32, … below n - 32, and the last ends at n.
        unsafe {
            if n > 32 {
                let mut block = 0;
                while block < n - 32 {
                    copy::<32>(from.add(block), to.add(block));
                    block += 32;
                }
                copy::<32>(from.add(n - 32), to.add(n - 32));
            } else {
                copy_few(from, to, n);
            }
            self.at = to.add(n);
        }
    }
}

/// Copies up to 32 bytes.
///
/// # Safety
/// `n <= 32`, `from` is readable and `to` writable for `n` bytes, and the two do not overlap.
#[inline(always)]
unsafe fn copy_few(from: *const u8, to: *mut u8, n: usize) {
    // SAFETY: by the caller's promise. Each arm touches only bytes 0..n of both: its two loads of `k` bytes start at 0 and at
    // n - k with k <= n <= 2k.
    unsafe {
        if n >= 16 {
            copy_ends::<16>(from, to, n);
        } else if n >= 8 {
            copy_ends::<8>(from, to, n);
        } else if n >= 4 {
            copy_ends::<4>(from, to, n);
        } else if n > 0 {
            to.write(from.read());
            to.add(n / 2).write(from.add(n / 2).read());
            to.add(n - 1).write(from.add(n - 1).read());
        }
    }
}

/// Copies `K` bytes.
///
/// # Safety
/// `from` is readable and `to` writable for `K` bytes, and the two do not overlap.
#[inline(always)]
unsafe fn copy<const K: usize>(from: *const u8, to: *mut u8) {
    // SAFETY: by the caller's promise; arrays of bytes have no alignment.
    unsafe {
        to.cast::<[u8; K]>()
            .write_unaligned(from.cast::<[u8; K]>().read_unaligned());
    };
}

/// Copies the first and the last `K` bytes of `n`, which overlap or meet.
///
/// # Safety
/// `K <= n <= 2 * K`, `from` is readable and `to` writable for `n` bytes, and the two do not overlap.
#[inline(always)]
unsafe fn copy_ends<const K: usize>(from: *const u8, to: *mut u8, n: usize) {
    // SAFETY: both ranges lie within 0..n by the caller's promise; arrays of bytes have no alignment.
    unsafe {
        let first = from.cast::<[u8; K]>().read_unaligned();
        let last = from.add(n - K).cast::<[u8; K]>().read_unaligned();
        to.cast::<[u8; K]>().write_unaligned(first);
        to.add(n - K).cast::<[u8; K]>().write_unaligned(last);
    }
}
