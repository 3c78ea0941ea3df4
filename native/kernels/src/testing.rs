//! For tests: every level of this machine; every length and alignment.

use crate::level::{Level, Usable};

/// Calls `check` with each level that this machine has.
pub fn each_level(check: impl FnMut(Usable)) {
    Level::ALL.into_iter().filter_map(Level::usable).for_each(check);
}

/// Calls `check` with the first 0 to 256 of `items`, each at every place from a boundary of 64 bytes on.
pub fn each_place<T: Copy>(items: &[T], mut check: impl FnMut(&[T])) {
    let (longest, step) = if cfg!(miri) { (38, 19) } else { (256, 1) };
    let mut memory: Vec<T> = Vec::with_capacity(items.len() + 128);
    let boundary = memory.as_ptr().align_offset(64);
    for place in (0..64 / size_of::<T>()).step_by(step) {
        memory.clear();
        memory.resize(boundary + place, items[0]);
        memory.extend_from_slice(items);
        for len in (0..=longest.min(items.len())).step_by(step) {
            check(&memory[boundary + place..][..len]);
        }
    }
}
