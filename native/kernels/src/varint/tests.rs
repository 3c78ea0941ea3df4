use proptest::prelude::*;

use super::*;
use crate::testing::{each_level, each_place};

/// By dividing.
fn len(value: u64) -> u32 {
    core::iter::successors(Some(value), |value| Some(value >> 7).filter(|&rest| rest != 0))
        .map(|_| 1)
        .sum()
}

#[track_caller]
fn same(values: &[u64]) {
    let lens: Vec<_> = values.iter().map(|&value| len(value)).collect();
    let sum: u32 = lens.iter().sum();
    let narrow: Vec<_> = values
        .iter()
        .map(|&value| {
            u32::try_from(value >> 32).expect("32 bits") ^ u32::try_from(value & 0xFFFF_FFFF).expect("32 bits")
        })
        .collect();
    let narrow_sum: u32 = narrow.iter().map(|&value| len(value.into())).sum();
    each_level(|level| {
        assert_eq!(len_sum_u64_at(level, values), sum as usize, "{level:?}: {values:x?}");
        assert_eq!(
            len_sum_u32_at(level, &narrow),
            narrow_sum as usize,
            "{level:?}: {narrow:x?}"
        );
        let mut sizes = vec![7; values.len() + 1];
        add_lens_u64_at(level, values, &mut sizes);
        assert!(
            sizes.iter().zip(&lens).all(|(&size, &len)| size == 7 + len),
            "{level:?}: {values:x?}"
        );
        assert_eq!(sizes.last(), Some(&7));
    });
}

#[test]
fn every_length_and_alignment() {
    let values: Vec<u64> = (0..256).map(|i| u64::MAX >> (i * 7 % 64) ^ i).collect();
    each_place(&values, same);
}

#[test]
fn both_sides_of_every_boundary() {
    for bits in 0..64 {
        for value in [1 << bits, (1 << bits) - 1, u64::MAX >> bits] {
            same(&[value; 17]);
        }
    }
}

#[test]
fn sizes_wrap() {
    each_level(|level| {
        let mut sizes = [u32::MAX; 9];
        add_lens_u64_at(level, &[0; 9], &mut sizes);
        assert_eq!(sizes, [0; 9]);
    });
}

proptest! {
    #[test]
    fn any_values(values in prop::collection::vec((any::<u64>(), 0..64_u32), 0..300)) {
        same(&values.into_iter().map(|(value, shift)| value >> shift).collect::<Vec<_>>());
    }
}
