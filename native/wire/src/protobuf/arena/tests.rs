//! Writers against a naive twin that builds every message whole before its length is known.

use alloc::vec::Vec;
use core::ptr::NonNull;

use proptest::prelude::*;

use super::Region;
use crate::protobuf::write;

fn varint(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let byte = (value % 128) as u8;
        value /= 128;
        if value == 0 {
            return out.push(byte);
        }
        out.push(byte + 128);
    }
}

fn field(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    out.push(tag);
    varint(out, content.len() as u64);
    out.extend_from_slice(content);
}

/// A value of any kind, as it may stand in an attribute.
#[derive(Clone, Debug)]
enum Value {
    Empty,
    Str(Vec<u8>),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(Vec<u8>),
    Array(Vec<Value>),
    Map(Vec<(Vec<u8>, Value)>),
}

impl Value {
    /// The content of its `AnyValue`, naively.
    fn naive(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Value::Empty => {}
            Value::Str(text) => field(&mut out, 0x0A, text),
            Value::Bool(value) => out.extend([0x10, u8::from(*value)]),
            Value::Int(value) => {
                out.push(0x18);
                varint(&mut out, value.cast_unsigned());
            }
            Value::Double(value) => {
                out.push(0x21);
                out.extend(value.to_le_bytes());
            }
            Value::Bytes(bytes) => field(&mut out, 0x3A, bytes),
            Value::Array(items) => {
                let mut array = Vec::new();
                for item in items {
                    field(&mut array, 0x0A, &item.naive());
                }
                field(&mut out, 0x2A, &array);
            }
            Value::Map(entries) => {
                let mut map = Vec::new();
                for (key, value) in entries {
                    map.extend(value.naive_attribute(0x0A, key));
                }
                field(&mut out, 0x32, &map);
            }
        }
        out
    }

    /// A `KeyValue` with it under `tag`, naively.
    fn naive_attribute(&self, tag: u8, key: &[u8]) -> Vec<u8> {
        let (mut out, mut message) = (Vec::new(), Vec::new());
        if !key.is_empty() {
            field(&mut message, 0x0A, key);
        }
        field(&mut message, 0x12, &self.naive());
        field(&mut out, tag, &message);
        out
    }

    /// By the `value_*` functions and `open`/`close`.
    fn write_content(&self, out: &mut Region) {
        match self {
            Value::Empty => {}
            Value::Str(text) => write::value_str(out, text),
            Value::Bool(value) => write::value_bool(out, *value),
            Value::Int(value) => write::value_int(out, *value),
            Value::Double(value) => write::value_double(out, *value),
            Value::Bytes(bytes) => write::value_bytes(out, bytes),
            Value::Array(items) => {
                let array = write::open_array(out);
                for item in items {
                    let element = write::open_element(out);
                    item.write_content(out);
                    out.close(element);
                }
                out.close(array);
            }
            Value::Map(entries) => {
                let map = write::open_map(out);
                for (key, value) in entries {
                    value.write_opened(out, write::VALUES, key);
                }
                out.close(map);
            }
        }
    }

    fn write_opened(&self, out: &mut Region, tag: u8, key: &[u8]) {
        let open = write::open_attribute(out, tag, key);
        self.write_content(out);
        write::close_attribute(out, open);
    }

    /// By the function that writes the whole attribute at once, where there is one.
    fn write_attribute(&self, out: &mut Region, tag: u8, key: &[u8]) {
        match self {
            Value::Empty => write::attribute_empty(out, tag, key),
            Value::Str(text) => write::attribute_str(out, tag, key, text),
            Value::Bool(value) => write::attribute_bool(out, tag, key, *value),
            Value::Int(value) => write::attribute_int(out, tag, key, *value),
            Value::Double(value) => write::attribute_double(out, tag, key, *value),
            Value::Bytes(bytes) => write::attribute_bytes(out, tag, key, bytes),
            Value::Array(_) | Value::Map(_) => self.write_opened(out, tag, key),
        }
    }
}

/// Bytes whose length is near one at which something changes: the copying arms, and the lengths' own lengths.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let lengths =
        prop_oneof![20 => 0_usize..=40, 4 => 100_usize..=140, u32::from(!cfg!(miri)) => 16_370_usize..=16_400];
    lengths.prop_flat_map(|length| proptest::collection::vec(any::<u8>(), length))
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Empty),
        bytes().prop_map(Value::Str),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_map(Value::Double),
        bytes().prop_map(Value::Bytes),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            proptest::collection::vec((bytes(), inner), 0..6).prop_map(Value::Map),
        ]
    })
}

fn cases() -> ProptestConfig {
    ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 256 },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn attributes_are_what_the_naive_twin_writes(attributes in proptest::collection::vec((bytes(), value()), 0..8)) {
        let (mut out, mut opened, mut naive) = (Region::new(), Region::new(), Vec::new());
        for (key, value) in &attributes {
            value.write_attribute(&mut out, 0x4A, key);
            value.write_opened(&mut opened, 0x4A, key);
            naive.extend(value.naive_attribute(0x4A, key));
        }
        prop_assert_eq!(out.as_slice(), &naive[..]);
        prop_assert_eq!(opened.as_slice(), &naive[..]);
    }

    #[test]
    fn a_message_of_any_length_is_framed_whatever_was_guessed(content in bytes(), width in 1_u8..=5, before in bytes()) {
        let mut out = Region::new();
        out.raw(&before);
        let message = out.open(0x12_u8, width);
        out.raw(&content);
        out.close(message);
        let mut naive = before;
        field(&mut naive, 0x12, &content);
        prop_assert_eq!(out.as_slice(), &naive[..]);
    }

    #[test]
    fn scalar_fields_are_tag_and_value(number in any::<u64>(), small in any::<u32>(), bytes in bytes()) {
        let mut out = Region::new();
        out.varint_field(0x50, number);
        out.fixed64_field(0x39, number);
        out.fixed32_field(0x85, small);
        out.bytes_field(0x2A, &bytes);
        let mut naive = Vec::from([0x50]);
        varint(&mut naive, number);
        naive.push(0x39);
        naive.extend(number.to_le_bytes());
        naive.extend([0x85, 0x01]);
        naive.extend(small.to_le_bytes());
        field(&mut naive, 0x2A, &bytes);
        prop_assert_eq!(out.as_slice(), &naive[..]);
    }
}

#[test]
fn every_length_around_a_copying_arm_is_copied_whole() {
    for length in 0..=70_u8 {
        let text: Vec<u8> = (1..=length).collect();
        let (mut out, mut naive) = (Region::new(), Vec::new());
        out.bytes_field(0x0A, &text);
        field(&mut naive, 0x0A, &text);
        assert_eq!(out.as_slice(), naive, "{length} bytes");
    }
}

#[test]
fn messages_grow_past_each_length_of_a_length() {
    for length in [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152] {
        if cfg!(miri) && length > 200 {
            continue;
        }
        let content: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
        for width in 1..=5 {
            let (mut out, mut naive) = (Region::new(), Vec::new());
            let message = out.open(0x12_u8, width);
            out.raw(&content);
            out.close(message);
            field(&mut naive, 0x12, &content);
            assert!(out.as_slice() == naive, "{length} bytes behind a guess of {width}");
        }
    }
}

#[test]
fn ids_kind_times_and_short_bytes_stand_in_field_order() {
    let mut out = Region::new();
    out.ids(0x0A, [1; 16], 0x12, [2; 8]);
    out.id8(0x22, [3; 8]);
    out.span_kind_and_times(0x30, 2, (0x39, 0), (0x41, 5));
    out.short(&[0x7A, 0, 9, 9], 2);
    let mut naive = Vec::new();
    field(&mut naive, 0x0A, &[1; 16]);
    field(&mut naive, 0x12, &[2; 8]);
    field(&mut naive, 0x22, &[3; 8]);
    naive.extend([0x30, 2, 0x41, 5, 0, 0, 0, 0, 0, 0, 0, 0x7A, 0]);
    assert_eq!(out.as_slice(), naive);
}

#[test]
fn what_was_cut_off_leaves_no_trace_and_memory_is_kept_within_bounds() {
    let mut out = Region::with_capacity(64);
    out.raw(b"kept");
    let open = out.open_short(0x0A_u8);
    out.raw(b"refused");
    let _ = open;
    out.truncate(4);
    out.raw(b"!");
    assert_eq!(out.as_slice(), b"kept!");
    out.raw(&[0; 10_000]);
    out.clear(1_000);
    assert!(out.is_empty() && out.cap < 10_000);
}

#[test]
fn what_outgrows_lent_memory_moves_to_memory_of_its_own() {
    for room in 0..40 {
        let mut memory = alloc::vec![0_u8; room];
        let lent = NonNull::new(memory.as_mut_ptr()).expect("a vector's pointer is never null");
        // SAFETY: the vector outlives the region and is not touched before that is gone.
        let mut out = unsafe { Region::within(lent, room) };
        let (mut naive, text) = (Vec::new(), [7; 30]);
        for part in [&text[..3], &text[..0], &text[..30]] {
            out.raw(part);
            naive.extend_from_slice(part);
        }
        assert_eq!((out.as_slice(), out.is_lent()), (&naive[..], room >= 33));
        if out.is_lent() {
            drop(out);
            assert_eq!(&memory[..33], naive);
        } else {
            assert_eq!(out.into_vec(), naive);
        }
    }
}

#[test]
fn bytes_are_inserted_in_front_of_what_follows() {
    let mut out = Region::from(Vec::from(*b"headtail"));
    out.insert(4, b"-body-");
    out.insert(0, b">");
    assert_eq!(out.into_vec(), b">head-body-tail");
}

#[test]
fn bytes_are_copied_over_others_that_they_overlap() {
    let mut out = Region::new();
    out.raw(b"0123456789");
    out.copy_within(4..9, 2);
    assert_eq!(out.as_slice(), b"0145678789");
    out.copy_within(3..3, 10);
    out.truncate(7);
    assert_eq!(out.into_vec(), b"0145678");
}
