//! Calls into libc: the clock, random bytes, and memory that a forked child finds zeroed. All unsafe code of this crate.

pub mod ticks;

use std::ptr::NonNull;

/// What the generator keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct State {
    /// The generator's own state.
    pub words: [u64; 4],
    /// The [`epoch`] in which it was seeded; 0, which is no epoch, until then. (Comparing this one word instead of four spares the
    /// processor a load across stores that have just been made.)
    pub epoch: u64,
}

/// Nanoseconds since the Unix epoch; 0 where there is no such clock.
#[inline]
pub fn realtime() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes one timespec, of which it leaves the zeros where it fails.
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut time) };
    time.tv_sec
        .cast_unsigned()
        .wrapping_mul(1_000_000_000)
        .wrapping_add(time.tv_nsec.cast_unsigned())
}

/// Fills `out` with random bytes of the kernel's; false if it has none to give.
pub fn fill_random(out: &mut [u8]) -> bool {
    let mut filled = 0;
    while filled < out.len() {
        let rest = &mut out[filled..];
        // SAFETY: writes at most the length of the slice.
        let got = unsafe { libc::getrandom(rest.as_mut_ptr().cast(), rest.len(), 0) };
        match usize::try_from(got) {
            Ok(got) if got > 0 => filled += got,
            _ if std::io::Error::last_os_error().kind() == std::io::ErrorKind::Interrupted => {}
            _ => return false,
        }
    }
    true
}

/// A generator's state, which is zero in a forked child; where the kernel does not see to that, the [`epoch`] is another one.
///
/// Invariant: `state` is valid and this is its only owner. `mapped`: a page of its own, else a box.
#[derive(Debug)]
pub struct Wiped {
    state: NonNull<State>,
    mapped: bool,
}

// SAFETY: the memory belongs to this value alone.
unsafe impl Send for Wiped {}

impl Wiped {
    /// Zeroed memory. With `by_kernel` false, as if the kernel refused.
    pub fn new(by_kernel: bool) -> Self {
        if by_kernel && let Some(state) = map_wiped() {
            return Self { state, mapped: true };
        }
        // Where registering fails (no memory), forks go unnoticed: ids repeat those of the parent, which is no reason to abort.
        let _ = spanwire_ground::watch();
        let state = NonNull::from(Box::leak(Box::new(State::default())));
        Self { state, mapped: false }
    }

    /// The state.
    #[inline(always)]
    pub fn get(&mut self) -> &mut State {
        // SAFETY: valid and owned by `self`, which is borrowed mutably.
        unsafe { self.state.as_mut() }
    }

    /// Whether the kernel zeroes it.
    #[cfg(all(test, not(miri)))]
    pub fn is_mapped(&self) -> bool {
        self.mapped
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        if self.mapped {
            // SAFETY: the page that `map_wiped` mapped, which nobody uses any more.
            unsafe { libc::munmap(self.state.as_ptr().cast(), size_of::<State>()) };
        } else {
            // SAFETY: the box that was leaked in `new`.
            drop(unsafe { Box::from_raw(self.state.as_ptr()) });
        }
    }
}

/// A page that reads as zeros in forked children. None if the kernel has no such thing (before Linux 4.14, and elsewhere).
#[cfg(all(target_os = "linux", not(miri)))]
fn map_wiped() -> Option<NonNull<State>> {
    const LEN: usize = size_of::<State>(); // the kernel rounds it up to pages
    // SAFETY: a new private mapping at a place that the kernel chooses; it is zeroed and aligned to a page.
    unsafe {
        let page = libc::mmap(
            std::ptr::null_mut(),
            LEN,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        if page == libc::MAP_FAILED {
            return None;
        }
        if libc::madvise(page, LEN, libc::MADV_WIPEONFORK) != 0 {
            libc::munmap(page, LEN);
            return None;
        }
        NonNull::new(page.cast())
    }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
fn map_wiped() -> Option<NonNull<State>> {
    None
}

/// Differs in a forked child from its parent's, once there is [`Wiped`] memory that the kernel does not wipe. Never 0.
pub use spanwire_ground::generation as epoch;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_bytes_fill_all_of_the_slice() {
        let mut seen = [0_u8; 64];
        for _ in 0..64 {
            let mut bytes = [0; 64];
            assert!(fill_random(&mut bytes));
            for (seen, byte) in seen.iter_mut().zip(bytes) {
                *seen |= byte;
            }
        }
        assert!(seen.iter().all(|&byte| byte != 0));
    }

    #[test]
    fn wiped_memory_starts_as_zeros_and_keeps_what_is_written() {
        for by_kernel in [true, false] {
            let mut memory = Wiped::new(by_kernel);
            assert_eq!(*memory.get(), State::default());
            memory.get().words[3] = 7;
            assert_eq!(memory.get().words, [0, 0, 0, 7]);
        }
    }

    #[test]
    #[cfg(not(miri))]
    fn a_forked_child_finds_zeros_or_a_count() {
        for by_kernel in [true, false] {
            let mut memory = Wiped::new(by_kernel);
            let before = epoch();
            memory.get().epoch = before;
            let child = || [u8::from(memory.get().epoch == 0), u8::from(epoch() != before)];
            let [wiped, another_epoch] = spanwire_ground::testing::in_fork(child).unwrap();
            assert!(if memory.is_mapped() {
                wiped == 1
            } else {
                another_epoch == 1
            });
            assert_eq!((memory.get().epoch, epoch()), (before, before));
        }
    }
}
