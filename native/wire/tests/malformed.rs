//! Every malformed input is an error with its place, for the eager and for the lazy reader, and never a panic.

#![allow(
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    reason = "a test: small numbers, and it may fail"
)]

mod common;
#[path = "common/strategies.rs"]
mod strategies;

use common::plain::{self, Noise};
use common::{model, read, sample, strict};
use proptest::collection::vec;
use proptest::prelude::*;
use spanwire_wire::DecodeErrorKind::{
    self, FieldNumberZero, IdLength, InvalidUtf8, InvalidWireType, LengthPastEnd, TooDeep, Truncated,
    UnexpectedEndGroup, UnterminatedGroup, VarintOverflow, VarintTooLong, WrongWireType,
};
use spanwire_wire::tag::WireType;
use spanwire_wire::{DecodeError, Signal, SpanView, TraceRequest, count_items, validate};

/// Every message of a request: how to reach it by field numbers, and the wire types of its fields, by number.
/// V is a varint, F eight bytes, f four, L delimited, - undeclared.
const MESSAGES: [(&str, &[u8], &str); 14] = [
    ("ExportTraceServiceRequest", &[], "L"),
    ("ResourceSpans", &[1], "LLL"),
    ("Resource", &[1, 1], "LVL"),
    ("EntityRef", &[1, 1, 3], "LLLL"),
    ("ScopeSpans", &[1, 2], "LLL"),
    ("InstrumentationScope", &[1, 2, 1], "LLLV"),
    ("Span", &[1, 2, 2], "LLLLLVFFLVLVLVLf"),
    ("Event", &[1, 2, 2, 11], "FLLV"),
    ("Link", &[1, 2, 2, 13], "LLLLVf"),
    ("Status", &[1, 2, 2, 15], "-LV"),
    ("KeyValue", &[1, 2, 2, 9], "LLV"),
    ("AnyValue", &[1, 2, 2, 9, 2], "LVVFLLLV"),
    ("ArrayValue", &[1, 2, 2, 9, 2, 5], "L"),
    ("KeyValueList", &[1, 2, 2, 9, 2, 6], "L"),
];
/// String fields.
const STRINGS: [(&str, &[u8]); 9] = [
    ("ResourceSpans", &[3]),
    ("EntityRef", &[1, 2, 3, 4]),
    ("ScopeSpans", &[3]),
    ("InstrumentationScope", &[1, 2]),
    ("Span", &[3, 5]),
    ("Event", &[2]),
    ("Link", &[3]),
    ("Status", &[2]),
    ("KeyValue", &[1]),
];

/// `content` as the message at the end of `path`, and where it begins.
fn wrap(path: &[u8], content: &[u8]) -> (Vec<u8>, usize) {
    let mut bytes = content.to_vec();
    for number in path.iter().rev() {
        let mut length = bytes.len();
        let mut header = vec![number << 3 | 2];
        while length >= 0x80 {
            header.push((length & 0x7F) as u8 | 0x80);
            length >>= 7;
        }
        header.push(length as u8);
        bytes.splice(0..0, header);
    }
    let at = bytes.len() - content.len();
    (bytes, at)
}

fn path_to(name: &str) -> &'static [u8] {
    MESSAGES.iter().find(|(message, ..)| *message == name).unwrap().1
}

/// Both readers refuse `content` at the end of `path` for this reason at this byte of the content.
#[track_caller]
fn check(path: &[u8], content: &[u8], offset: usize, kind: DecodeErrorKind) {
    let (bytes, at) = wrap(path, content);
    let expected = DecodeError {
        offset: at + offset,
        kind,
    };
    assert_eq!(validate(Signal::Traces, &bytes), Err(expected), "validate, {path:?}");
    assert_eq!(
        strict::validate(Signal::Traces, &bytes),
        Err(expected),
        "plainly, {path:?}"
    );
    assert_eq!(read::request(&bytes), Err(expected), "lazily, {path:?}");
}

#[track_caller]
fn check_good(path: &[u8], content: &[u8]) {
    let (bytes, _) = wrap(path, content);
    assert!(
        validate(Signal::Traces, &bytes).is_ok(),
        "{:?}, {path:?} {content:x?}",
        validate(Signal::Traces, &bytes)
    );
    assert_eq!(
        read::request(&bytes).map(|request| read::counts(&request)),
        validate(Signal::Traces, &bytes)
    );
}

fn wire_type(letter: u8) -> Option<WireType> {
    match letter {
        b'V' => Some(WireType::Varint),
        b'F' => Some(WireType::Fixed64),
        b'f' => Some(WireType::Fixed32),
        b'L' => Some(WireType::Len),
        _ => None,
    }
}

/// A field of this number and wire type, and nothing in it.
fn field(number: u32, wire_type: WireType) -> Vec<u8> {
    let tag = |wire_type| {
        let tag = number << 3 | wire_type;
        if tag < 0x80 {
            vec![tag as u8]
        } else {
            vec![tag as u8 | 0x80, (tag >> 7) as u8]
        }
    };
    let mut bytes = tag(wire_type as u32);
    match wire_type {
        WireType::Varint | WireType::Len => bytes.push(0),
        WireType::Fixed64 => bytes.extend([0; 8]),
        WireType::Fixed32 => bytes.extend([0; 4]),
        WireType::StartGroup => bytes.extend(tag(WireType::EndGroup as u32)),
        WireType::EndGroup => {}
    }
    bytes
}

#[test]
#[cfg_attr(miri, ignore = "long, and nothing unsafe in it")]
fn a_known_field_has_its_declared_wire_type_and_no_other() {
    let wire_types = [
        WireType::Varint,
        WireType::Fixed64,
        WireType::Len,
        WireType::StartGroup,
        WireType::Fixed32,
    ];
    for (_, path, letters) in MESSAGES {
        for (number, letter) in (1..).zip(letters.bytes()) {
            for found in wire_types {
                let content = [field(100, WireType::Varint), field(number, found)].concat();
                match wire_type(letter) {
                    Some(expected) if expected != found => {
                        let at = field(100, WireType::Varint).len();
                        check(
                            path,
                            &content,
                            at,
                            WrongWireType {
                                field: number,
                                expected,
                                found,
                            },
                        );
                    }
                    _ => check_good(path, &content),
                }
            }
        }
        for found in wire_types {
            check_good(path, &field(17, found));
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "long, and nothing unsafe in it")]
fn items_are_checked_at_every_level() {
    for (_, path, _) in MESSAGES {
        check(path, &[0x98, 0x06, 0, 0x00, 0], 3, FieldNumberZero);
        check(path, &[0x98, 0x06, 0, 0x9E, 0x06], 3, InvalidWireType(6));
        check(path, &[0x98, 0x06, 0, 0x9C, 0x06], 3, UnexpectedEndGroup);
        check(path, &[0x9B, 0x06, 0x94, 0x06], 2, UnexpectedEndGroup);
        check(path, &[0x98, 0x06, 0, 0x9B, 0x06], 3, UnterminatedGroup);
        check(path, &[0x98, 0x06, 0x80], 2, Truncated);
        check(path, &[0x98, 0x06], 2, Truncated);
        check(path, &[0x98], 0, Truncated);
        check(path, &[0x99, 0x06, 0, 0, 0, 0, 0, 0, 0], 2, Truncated);
        check(path, &[0x9D, 0x06, 0, 0, 0], 2, Truncated);
        check(path, &[0x9A, 0x06, 3, 0, 0], 2, LengthPastEnd { length: 3, left: 2 });
        check(path, &[0x9A, 0x06, 0x83, 0x80, 0x80, 0x80, 0x80, 0], 2, VarintTooLong);
        check(path, &[&[0x98, 0x06][..], &[0xFF; 9], &[2]].concat(), 2, VarintOverflow);
        check(path, &[&[0x98, 0x06][..], &[0xFF; 10], &[0]].concat(), 2, VarintTooLong);
        check(path, &[0xFF, 0xFF, 0xFF, 0xFF, 0x1F], 0, VarintOverflow);
        let nested = |depth| [[0x9B, 0x06].repeat(depth), [0x9C, 0x06].repeat(depth)].concat();
        check_good(path, &nested(64));
        check(path, &nested(65), 128, TooDeep);
    }
}

#[test]
#[cfg_attr(miri, ignore = "long, and nothing unsafe in it")]
fn a_string_is_utf8() {
    let strings = STRINGS
        .iter()
        .map(|&(name, numbers)| (path_to(name), numbers))
        .chain([(path_to("AnyValue"), &[1][..])]);
    for (path, numbers) in strings {
        for &number in numbers {
            check_good(path, &[number << 3 | 2, 3, b'a', 0xC3, 0xA4]);
            for bad in [[0xFF, b'b'], [0xC3, b'b'], [0xC0, 0x80]] {
                check(path, &[number << 3 | 2, 3, b'a', bad[0], bad[1]], 3, InvalidUtf8);
            }
            check(path, &[number << 3 | 2, 3, 0xED, 0xA0, 0x80], 2, InvalidUtf8);
        }
    }
    check_good(path_to("AnyValue"), &[7 << 3 | 2, 1, 0xFF]);
}

#[test]
#[cfg_attr(miri, ignore = "long, and nothing unsafe in it")]
fn an_id_is_whole_or_empty() {
    let ids = [
        ("Span", 1, 16),
        ("Span", 2, 8),
        ("Span", 4, 8),
        ("Link", 1, 16),
        ("Link", 2, 8),
    ];
    for (name, number, expected) in ids {
        for found in 0..40 {
            let content = [vec![number << 3 | 2, found as u8], vec![7; found]].concat();
            if found == 0 || found == expected {
                check_good(path_to(name), &content);
            } else {
                check(path_to(name), &content, 2, IdLength { expected, found });
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "long, and nothing unsafe in it")]
fn arrays_and_maps_nest_to_the_limit_and_no_deeper() {
    // From inside out: arrays (5) of values (1), maps (6) of entries (1) of values (2), one in the other in turn.
    let nested = |depth: usize, kind: fn(usize) -> bool| {
        let steps = (0..depth).flat_map(|level| if kind(level) { vec![5, 1] } else { vec![6, 1, 2] });
        wrap(&steps.collect::<Vec<u8>>(), &[])
    };
    for kind in [(|_| true) as fn(usize) -> bool, |_| false, |level| level % 2 == 0] {
        check_good(path_to("AnyValue"), &nested(64, kind).0);
        let (bytes, end) = nested(65, kind);
        // The 65th array or map opens before its elements: two bytes for it, and for each step inside.
        let last = if kind(64) { 4 } else { 6 };
        check(path_to("AnyValue"), &bytes, end - last, TooDeep);
    }
    let (bomb, _) = wrap(path_to("AnyValue"), &nested(10_000, |_| true).0);
    assert_eq!(validate(Signal::Traces, &bomb).unwrap_err().kind, TooDeep);
    assert_eq!(read::request(&bomb), Err(validate(Signal::Traces, &bomb).unwrap_err()));
}

#[test]
#[cfg_attr(miri, ignore = "long, and nothing unsafe in it")]
fn a_message_cut_anywhere_is_an_error() {
    let bytes = plain::request(&sample::request(), &mut Noise::none());
    for cut in 1..bytes.len() {
        let error = validate(Signal::Traces, &bytes[..cut]).unwrap_err();
        assert!(
            error.offset <= cut && matches!(error.kind, Truncated | LengthPastEnd { .. }),
            "{cut}: {error}"
        );
        assert_eq!(read::request(&bytes[..cut]), Err(error));
        assert_eq!(count_items(Signal::Traces, &bytes[..cut]), Err(error));
    }
}

#[test]
#[cfg_attr(miri, ignore = "long, and nothing unsafe in it")]
fn a_span_cut_anywhere_is_an_error_or_holds_the_fields_before() {
    let request = sample::request();
    let whole = &request.resources[0].scopes[0].spans[0];
    let bytes = plain::span(whole, &mut Noise::none());
    let mut good = 0;
    for cut in 0..=bytes.len() {
        let lazily = SpanView::new(&bytes[..cut]).and_then(|view| read::span(&view));
        // The same span, cut, in messages that are whole.
        let (wrapped, at) = wrap(&[1, 2, 2], &bytes[..cut]);
        match (lazily, validate(Signal::Traces, &wrapped)) {
            (Ok(span), Ok(counts)) => {
                assert_eq!(counts.items, 1);
                assert_eq!(plain::span(&span, &mut Noise::none()), bytes[..cut]);
                good += 1;
            }
            (Err(error), Err(wrapped)) => {
                assert_eq!(
                    DecodeError {
                        offset: error.offset + at,
                        ..error
                    },
                    wrapped
                );
                assert!(error.offset <= cut);
            }
            (lazily, eagerly) => panic!("cut at {cut}: {lazily:?}, but {eagerly:?}"),
        }
    }
    // After each of 16 fields of which attributes occur ten times, and before the first.
    assert_eq!(good, 16 + 9 + 1);
}

#[test]
fn an_error_says_what_and_where() {
    let error = |bytes: &[u8]| validate(Signal::Traces, bytes).unwrap_err().to_string();
    assert_eq!(error(&[0x0A, 5, 0]), "a length of 5 with 1 bytes left at byte 1");
    assert_eq!(
        error(&[0x08, 5]),
        "field 1 with wire type VARINT where LEN belongs at byte 0"
    );
    assert_eq!(
        error(&wrap(&[1, 2, 2], &[0x0A, 1, 0]).0),
        "an id of 1 bytes where 0 or 16 are allowed at byte 8"
    );
}

#[test]
fn an_iterator_ends_after_its_error() {
    let (bytes, _) = wrap(&[1], &[0x00]);
    let bytes = [&bytes[..], &[0x0A, 0]].concat();
    let mut resources = TraceRequest::new(&bytes).resources();
    assert!(resources.next().unwrap().is_err());
    assert!(resources.next().is_none());
}

/// Whatever the bytes: no panic, and the readers agree.
fn agree(bytes: &[u8]) -> Result<(), TestCaseError> {
    let lazily = read::request(bytes);
    prop_assert_eq!(validate(Signal::Traces, bytes), strict::validate(Signal::Traces, bytes));
    match validate(Signal::Traces, bytes) {
        Ok(counts) => {
            prop_assert_eq!(lazily.map(|request| read::counts(&request)), Ok(counts));
            prop_assert_eq!(count_items(Signal::Traces, bytes), Ok(counts.items));
        }
        // A lazy reader does not look into what a later field replaces.
        Err(error) => {
            prop_assert!(error.offset <= bytes.len());
            if let Err(error) = lazily {
                prop_assert!(error.offset <= bytes.len());
            }
        }
    }
    Ok(())
}

/// One change to a message.
#[derive(Clone, Copy, Debug)]
enum Mutation {
    Set(u8),
    Flip(u8),
    Insert(u8),
    Remove,
    Cut,
    Repeat(usize),
}

fn mutation() -> impl Strategy<Value = (prop::sample::Index, Mutation)> {
    let mutation = prop_oneof![
        any::<u8>().prop_map(Mutation::Set),
        (0..8_u8).prop_map(Mutation::Flip),
        any::<u8>().prop_map(Mutation::Insert),
        Just(Mutation::Remove),
        Just(Mutation::Cut),
        (1..30_usize).prop_map(Mutation::Repeat),
    ];
    (any::<prop::sample::Index>(), mutation)
}

fn mutate(bytes: &mut Vec<u8>, at: usize, mutation: Mutation) {
    match mutation {
        Mutation::Set(byte) => bytes[at] = byte,
        Mutation::Flip(bit) => bytes[at] ^= 1 << bit,
        Mutation::Insert(byte) => bytes.insert(at, byte),
        Mutation::Remove => drop(bytes.remove(at)),
        Mutation::Cut => bytes.truncate(at),
        Mutation::Repeat(len) => {
            let part = bytes[at..bytes.len().min(at + len)].to_vec();
            bytes.splice(at..at, part);
        }
    }
}

proptest! {
    #![proptest_config(strategies::cases(1000))]

    #[test]
    #[cfg_attr(miri, ignore = "long, and nothing unsafe in it")]
    fn random_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        agree(&bytes)?;
    }

    #[test]
    #[cfg_attr(miri, ignore = "long, and nothing unsafe in it")]
    fn random_bytes_in_good_messages_are_read_or_refused(
        bytes in vec(any::<u8>(), 0..60),
        at in prop::sample::select(&MESSAGES[..]),
    ) {
        agree(&wrap(at.1, &bytes).0)?;
    }

    #[test]
    #[cfg_attr(miri, ignore = "long, and nothing unsafe in it")]
    fn a_mutated_span_is_read_or_refused(
        span in strategies::span(),
        mutations in vec(mutation(), 1..4),
        seed: u64,
    ) {
        let mut noise = if seed % 2 == 0 { Noise::none() } else { Noise::seeded(seed) };
        let mut bytes = plain::span(&span, &mut noise);
        for (at, mutation) in mutations {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                mutate(&mut bytes, at, mutation);
            }
        }
        agree(&wrap(&[1, 2, 2], &bytes).0)?;
    }
}

#[test]
#[cfg_attr(miri, ignore = "long, and nothing unsafe in it")]
fn every_byte_changed_is_judged_as_by_the_plain_reader() {
    let bytes = plain::request(&sample::request(), &mut Noise::none());
    let mut refused = 0;
    for at in 0..bytes.len() {
        let flips = (0..8).map(|bit| bytes[at] ^ 1 << bit);
        for byte in flips.chain([0, 0x7F, 0x80, 0xC3, 0xFF]) {
            let mut changed = bytes.clone();
            changed[at] = byte;
            let expected = strict::validate(Signal::Traces, &changed);
            assert_eq!(validate(Signal::Traces, &changed), expected, "{byte} at {at}");
            refused += usize::from(expected.is_err());
        }
    }
    assert!(refused > bytes.len(), "{refused} of {} changes", 13 * bytes.len());
}

#[test]
fn what_is_replaced_is_validated_too() {
    // A value with a bad array, then a string: lazily only the string is seen.
    let (bytes, at) = wrap(path_to("AnyValue"), &[5 << 3 | 2, 1, 0x00, 1 << 3 | 2, 1, b'x']);
    assert_eq!(
        validate(Signal::Traces, &bytes),
        Err(DecodeError {
            offset: at + 2,
            kind: FieldNumberZero
        })
    );
    let read = read::request(&bytes).unwrap();
    let value = read.resources[0].scopes[0].spans[0].attributes[0].value.clone();
    assert_eq!(value, Some(model::Value::Str("x".into())));
}
