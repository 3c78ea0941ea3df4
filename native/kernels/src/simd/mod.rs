//! What kernels share that is unsafe: calls for a level, and writing into a vector's spare memory.

use alloc::vec::Vec;
use core::mem::MaybeUninit;

/// The call for the level of a [`Usable`](crate::Usable): of functions whose `target_feature`s are that level's. Other levels have
/// `scalar`.
macro_rules! at_level {
    ($level:expr, sse42: $sse42:expr, avx2: $avx2:expr, avx512: $avx512:expr, neon: $neon:expr, scalar: $scalar:expr) => {
        match $level.level() {
            #[cfg(target_arch = "x86_64")]
            $crate::level::Level::Sse42 => {
                // SAFETY: a usable level's instructions are there.
                unsafe { $sse42 }
            }
            #[cfg(target_arch = "x86_64")]
            $crate::level::Level::Avx2 => {
                // SAFETY: as above.
                unsafe { $avx2 }
            }
            #[cfg(target_arch = "x86_64")]
            $crate::level::Level::Avx512 => {
                // SAFETY: as above.
                unsafe { $avx512 }
            }
            #[cfg(target_arch = "aarch64")]
            $crate::level::Level::Neon => {
                // SAFETY: as above.
                unsafe { $neon }
            }
            _ => $scalar,
        }
    };
}

pub(crate) use at_level;

/// Appends what `write` writes into `most` bytes of room and says how much it was. If it fails, nothing is appended.
pub fn append<E>(
    out: &mut Vec<u8>,
    most: usize,
    write: impl FnOnce(&mut [MaybeUninit<u8>]) -> Result<Written, E>,
) -> Result<(), E> {
    out.reserve(most);
    let len = out.len();
    let written = write(&mut out.spare_capacity_mut()[..most])?;
    assert!(written.0 <= most);
    // SAFETY: `most` bytes are allocated behind `len`, of which `Written` promises that so many were written.
    unsafe { out.set_len(len + written.0) };
    Ok(())
}

/// Memory that has bytes already, as room: only for what writes bytes.
#[cfg(test)]
pub fn as_room(bytes: &mut [u8]) -> &mut [MaybeUninit<u8>] {
    // SAFETY: of the same layout; kernels write initialised bytes only.
    unsafe { &mut *(core::ptr::from_mut(bytes) as *mut [MaybeUninit<u8>]) }
}

/// So many bytes, from the first on, of the room that was given are initialised: a [`Cursor`] says so.
#[derive(Clone, Copy, Debug)]
pub struct Written(usize);

impl Written {
    pub const fn len(self) -> usize {
        self.0
    }
}

/// Writes bytes into room, checked in debug builds only.
#[derive(Debug)]
pub struct Cursor {
    start: *mut u8,
    at: *mut u8,
    #[cfg(debug_assertions)]
    end: *mut u8,
}

impl Cursor {
    pub const fn new(room: &mut [MaybeUninit<u8>]) -> Self {
        let start = room.as_mut_ptr().cast::<u8>();
        Self {
            start,
            at: start,
            #[cfg(debug_assertions)]
            // SAFETY: the end of the same slice.
            end: unsafe { start.add(room.len()) },
        }
    }

    #[inline(always)]
    fn claim(&self, n: usize) {
        #[cfg(debug_assertions)]
        assert!(n <= self.end as usize - self.at as usize, "write beyond the room");
        let _ = n;
    }

    /// # Safety
    /// The room has `N` more bytes.
    #[inline(always)]
    pub unsafe fn array<const N: usize>(&mut self, bytes: [u8; N]) {
        self.claim(N);
        // SAFETY: by the caller's promise; an array of bytes has no alignment.
        unsafe {
            self.at.cast::<[u8; N]>().write_unaligned(bytes);
            self.at = self.at.add(N);
        }
    }

    /// Where the next byte goes, if the room has `n` more, which `advance` must then pass over.
    ///
    /// # Safety
    /// The room has `n` more bytes.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub unsafe fn claimed(&self, n: usize) -> *mut u8 {
        self.claim(n);
        self.at
    }

    /// # Safety
    /// The next `n` bytes are in the room and were written.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub unsafe fn advance(&mut self, n: usize) {
        self.claim(n);
        // SAFETY: by the caller's promise.
        self.at = unsafe { self.at.add(n) };
    }

    /// Bytes so far.
    #[inline(always)]
    pub fn written(&self) -> Written {
        Written(self.at as usize - self.start as usize)
    }
}
