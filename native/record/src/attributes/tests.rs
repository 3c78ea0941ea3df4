use spanwire_wire::write;

use super::*;
use crate::Limits;

/// As a record does it, without other parts that take room.
fn set(attributes: &mut Attributes, key: &str, hash: u64, value: &[u8]) -> Status {
    let mut status = Status::OK;
    let size = key.len() + value.len() + OVERHEAD;
    if !attributes.has_room(hash, size) {
        match attributes.make_room(key.as_bytes(), hash, size, 1 << 30) {
            Ok(said) => status = said,
            Err(said) => return said,
        }
    }
    attributes.push(hash, |out| write::attribute_str(out, TAG, key.as_bytes(), value));
    status
}

fn with_limit(limit: u32) -> Attributes {
    let mut attributes = Attributes::default();
    attributes.begin(limit);
    attributes
}

fn keys(attributes: &Attributes) -> Vec<&str> {
    attributes.iter().map(|attribute| attribute.unwrap().key()).collect()
}

/// A hash as good as Python's.
fn hash(number: u64) -> u64 {
    (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

#[test]
fn a_key_that_is_set_again_moves_to_the_end() {
    let mut attributes = with_limit(128);
    for key in ["a", "b", "c", "a"] {
        // All hashes are the same: keys are compared.
        let _ = set(&mut attributes, key, 5, b"value");
    }
    assert_eq!(keys(&attributes), ["b", "c", "a"]);
    attributes.remove(b"c", 5);
    attributes.remove(b"d", 5);
    assert_eq!((keys(&attributes), attributes.len()), (vec!["b", "a"], 2));
}

#[test]
fn without_room_only_the_attribute_of_the_same_key_goes() {
    let mut attributes = with_limit(128);
    let _ = set(&mut attributes, "a", 1, b"1");
    let _ = set(&mut attributes, "b", 2, b"2");
    let room = attributes.live_bytes() + 100;
    assert_eq!(attributes.make_room(b"a", 1, 200, room), Err(Status::UNENCODABLE));
    assert_eq!(
        attributes.make_room(b"c", 3, usize::MAX, room),
        Err(Status::UNENCODABLE)
    );
    assert_eq!((keys(&attributes), attributes.dropped()), (vec!["b"], 0));
    assert_eq!(attributes.make_room(b"d", 4, 50, room), Ok(Status::OK));
}

#[test]
fn a_large_value_that_is_set_again_takes_no_more_memory() {
    let rounds = if cfg!(miri) { 10 } else { 1000 };
    let value = vec![b'x'; 1 << 20];
    for other in [false, true] {
        let mut attributes = with_limit(128);
        if other {
            let _ = set(&mut attributes, "other", hash(0), b"small");
        }
        for _ in 0..rounds {
            let _ = set(&mut attributes, "large", hash(1), &value);
        }
        assert!(
            attributes.bytes.capacity() <= 3 << 20,
            "{}",
            attributes.bytes.capacity()
        );
        assert_eq!(attributes.len(), 1 + u32::from(other));
    }
}

#[test]
fn a_large_value_provides_for_nothing() {
    let mut attributes = with_limit(128);
    let _ = set(&mut attributes, "large", hash(0), &vec![b'x'; 1 << 20]);
    attributes.provide();
    assert!(
        attributes.bytes.capacity() < (1 << 20) + PROVIDED,
        "{}",
        attributes.bytes.capacity()
    );
}

#[test]
fn large_values_that_are_set_in_turn_take_thrice_their_size_at_most() {
    let rounds = if cfg!(miri) { 10 } else { 300 };
    let value = vec![b'x'; 1 << 20];
    let mut attributes = with_limit(128);
    for round in 0..rounds {
        let (key, hash) = [("one", hash(0)), ("two", hash(1)), ("three", hash(2))][round % 3];
        let _ = set(&mut attributes, key, hash, &value);
        assert!(attributes.bytes.len() <= 9 << 20);
    }
    assert!(attributes.moved <= (rounds + 3) << 20, "{}", attributes.moved);
}

#[test]
fn eviction_moves_no_more_than_it_writes() {
    let rounds = if cfg!(miri) { 600 } else { 100_000 };
    let mut attributes = with_limit(128);
    let mut written = 0;
    for number in 0..rounds {
        let before = attributes.live_bytes();
        let status = set(&mut attributes, &format!("key.{number:06}"), hash(number), b"a value");
        assert_eq!(status, if number < 128 { Status::OK } else { Status::EVICTED });
        written += if number < 128 {
            attributes.live_bytes() - before
        } else {
            attributes.live_bytes() / 128
        };
    }
    assert!(attributes.moved <= written, "{} of {written}", attributes.moved);
    assert!(
        attributes.entries.capacity() <= 512,
        "{}",
        attributes.entries.capacity()
    );
    assert!(attributes.bytes.capacity() <= KEEP_BYTES * 2);
    let expected: Vec<_> = (rounds - 128..rounds)
        .map(|number| format!("key.{number:06}"))
        .collect();
    assert_eq!(keys(&attributes), expected);
    assert_eq!(u64::from(attributes.dropped()), rounds - 128);
}

#[test]
fn many_attributes_are_looked_up_by_the_index_and_never_moved() {
    let rounds = if cfg!(miri) { 600 } else { 100_000 };
    let mut attributes = with_limit(u32::MAX);
    for number in 0..rounds {
        let _ = set(&mut attributes, &format!("key.{number}"), hash(number), b"value");
        assert_eq!(attributes.index.is_used(), number >= u64::from(FEW));
    }
    assert_eq!((u64::from(attributes.len()), attributes.moved), (rounds, 0));
    let looked_at = std::cell::Cell::new(0);
    for number in 0..rounds {
        let folded = fold(hash(number));
        let found = attributes.index.find(folded, |at| {
            looked_at.set(looked_at.get() + 1);
            attributes.entries[at].hash == folded
        });
        assert_eq!(found, usize::try_from(number).ok());
    }
    // At most half full: a few steps each.
    assert!(looked_at.get() <= 3 * rounds, "{}", looked_at.get());
}

#[test]
fn setting_many_again_and_again_moves_no_more_than_it_writes() {
    let (many, rounds) = if cfg!(miri) { (100, 3) } else { (1000, 50) };
    let mut attributes = with_limit(u32::MAX);
    for _ in 0..rounds {
        for number in 0..many {
            let _ = set(&mut attributes, &format!("key.{number}"), hash(number), b"value");
        }
    }
    assert_eq!(u64::from(attributes.len()), many);
    let written = attributes.live_bytes() * rounds;
    assert!(attributes.moved <= written, "{} of {written}", attributes.moved);
    assert!(attributes.bytes.len() <= 2 * attributes.live_bytes() + TOLERATED_BYTES + 100);
}

#[test]
fn an_emptied_map_has_no_holes_and_no_index() {
    let mut attributes = with_limit(u32::MAX);
    for number in 0..100 {
        let _ = set(&mut attributes, &format!("key.{number}"), hash(number), b"value");
    }
    for number in (0..100).rev() {
        attributes.remove(format!("key.{number}").as_bytes(), hash(number));
    }
    assert_eq!(
        (attributes.len(), attributes.bytes.len(), attributes.entries.len()),
        (0, 0, 0)
    );
    assert!(!attributes.index.is_used());
    assert!(attributes.has_room(hash(0), 100));
}

#[test]
fn a_shrunk_map_keeps_little_memory() {
    let mut attributes = with_limit(u32::MAX);
    let rounds = if cfg!(miri) { 1 } else { 20_000 };
    for number in 0..rounds {
        let _ = set(&mut attributes, &format!("key.{number}"), hash(number), &[b'x'; 64]);
    }
    let _ = set(&mut attributes, "large", hash(rounds), &vec![b'x'; 1 << 20]);
    attributes.shrink();
    assert!(attributes.bytes.capacity() <= KEEP_BYTES);
    assert!(attributes.entries.capacity() * size_of::<Entry>() <= KEEP_BYTES);
    assert!(attributes.index.memory() <= KEEP_BYTES);
    assert_eq!(attributes.iter().count(), 0);
}

#[test]
fn an_empty_key_is_a_key() {
    let mut attributes = with_limit(10);
    let _ = set(&mut attributes, "", 0, b"1");
    let _ = set(&mut attributes, "a", 0, b"2");
    let _ = set(&mut attributes, "", 0, b"3");
    assert_eq!(keys(&attributes), ["a", ""]);
}

#[test]
fn many_attributes_are_not_looked_through_for_each_new_one() {
    // What looks through them asserts that they are few.
    let count = if cfg!(miri) { 200 } else { 100_000_u64 };
    let mut attributes = with_limit(Limits::NONE);
    for number in 0..count {
        let (key, value) = (number.to_string(), Scalar::Varint(0x18, number));
        if attributes.push_quickly(key.as_bytes(), hash(number), value)
            || attributes.push_collided(key.as_bytes(), hash(number), value)
        {
            continue;
        }
        let _ = set(&mut attributes, &key, hash(number), b"value");
        attributes.provide();
    }
    assert_eq!(u64::from(attributes.len()), count);
}
