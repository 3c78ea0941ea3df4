//! [`Ids`]: random trace and span ids, fast and different in every process.
//!
//! xoshiro256++ (Blackman and Vigna), seeded by the kernel, and again in every forked child, whoever forked: its state is zero
//! there, and where it cannot be, the child has another [epoch](ffi::epoch).

use std::hash::{BuildHasher, RandomState};

use crate::ffi::{self, State, Wiped};

/// A source of ids. Whoever shares one must lock it.
#[derive(Debug)]
pub struct Ids {
    state: Wiped,
}

impl Ids {
    /// One that is seeded at its first use.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Wiped::new(true))
    }

    const fn with(state: Wiped) -> Self {
        Self { state }
    }

    /// The ids of a root span; neither is zero.
    #[must_use]
    #[inline]
    pub fn root(&mut self) -> ([u8; 16], [u8; 8]) {
        let words = self.ready();
        loop {
            let (high, low, span) = (next(words), next(words), next(words));
            if high | low != 0 && span != 0 {
                let trace = u128::from(high) << 64 | u128::from(low);
                return (trace.to_be_bytes(), span.to_be_bytes());
            }
        }
    }

    /// The id of a span within a trace; not zero.
    #[must_use]
    #[inline]
    pub fn span(&mut self) -> [u8; 8] {
        let words = self.ready();
        loop {
            let span = next(words);
            if span != 0 {
                return span.to_be_bytes();
            }
        }
    }

    #[inline(always)]
    fn ready(&mut self) -> &mut [u64; 4] {
        if self.state.get().epoch != ffi::epoch() {
            self.seed();
        }
        &mut self.state.get().words
    }

    #[cold]
    #[inline(never)]
    fn seed(&mut self) {
        let mut bytes = [0; 32];
        let mut words = stopgap();
        if ffi::fill_random(&mut bytes) {
            for (word, random) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
                *word = u64::from_ne_bytes(*random);
            }
        }
        if words == [0; 4] {
            words = stopgap(); // the one state that the generator never leaves
        }
        let epoch = ffi::epoch();
        *self.state.get() = State { words, epoch };
    }
}

impl Default for Ids {
    fn default() -> Self {
        Self::new()
    }
}

/// A seed for a system that refuses getrandom(2): what tells processes apart, mixed by the standard library's hasher, whose
/// own key comes from elsewhere where it can.
fn stopgap() -> [u64; 4] {
    let hasher = RandomState::new();
    let seed = |word: u64| hasher.hash_one((word, ffi::realtime(), std::process::id(), std::thread::current().id()));
    [seed(0), seed(1), seed(2), seed(3) | 1]
}

#[inline(always)]
fn next(state: &mut [u64; 4]) -> u64 {
    let [a, b, c, d] = *state;
    let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
    let (c, d) = (c ^ a, d ^ b);
    *state = [a ^ d, b ^ c, c ^ b << 17, d.rotate_left(45)];
    result
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn sources() -> [Ids; 2] {
        [true, false].map(|by_kernel| Ids::with(Wiped::new(by_kernel)))
    }

    #[test]
    fn the_generator_is_xoshiro256_plus_plus() {
        // The first outputs of the authors' C code from the state 1, 2, 3, 4.
        let mut state = [1, 2, 3, 4];
        let expected = [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386];
        assert_eq!(expected.map(|_| next(&mut state)), expected);
    }

    #[test]
    fn ids_are_not_zero_and_do_not_repeat() {
        let rounds = if cfg!(miri) { 50 } else { 10_000 };
        for mut ids in sources() {
            let (mut traces, mut spans) = (HashSet::new(), HashSet::new());
            for _ in 0..rounds {
                let (trace, span) = ids.root();
                assert!(trace != [0; 16] && span != [0; 8]);
                assert!(traces.insert(trace) && spans.insert(span) && spans.insert(ids.span()));
            }
        }
    }

    #[test]
    fn every_bit_of_an_id_is_random() {
        for mut ids in sources() {
            let (mut ones, mut zeros) = (0_u128, 0_u128);
            for _ in 0..100 {
                let trace = u128::from_be_bytes(ids.root().0);
                ones |= trace;
                zeros |= !trace;
            }
            assert_eq!((ones, zeros), (u128::MAX, u128::MAX));
        }
    }

    #[test]
    fn two_sources_give_different_ids() {
        let [mut one, mut other] = sources();
        assert_ne!(one.root(), other.root());
    }

    #[test]
    fn a_wiped_state_is_seeded_again() {
        let mut ids = Ids::new();
        let first = ids.span();
        *ids.state.get() = State::default();
        assert_ne!(ids.span(), first);
        assert_ne!(ids.state.get().words, [0; 4]);
    }

    #[test]
    fn the_stopgap_is_never_zero_and_never_twice_the_same() {
        let (one, other) = (stopgap(), stopgap());
        assert_ne!(one, other);
        assert_ne!(one[3], 0);
    }

    #[test]
    #[cfg(not(miri))]
    fn forked_children_draw_other_ids_than_their_parent_and_each_other() {
        for mut ids in sources() {
            let _ = ids.root();
            let mut seen: HashSet<[u8; 8]> = (0..3)
                .map(|_| spanwire_ground::testing::in_fork(|| ids.span()).unwrap())
                .collect();
            seen.insert(ids.span());
            assert_eq!(seen.len(), 4);
        }
    }
}
