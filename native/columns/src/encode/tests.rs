//! A block at a time and row by row give the same bytes, whatever the layouts, the order and the threads.

use proptest::prelude::*;
use spanwire_wire::arena::Region;
use spanwire_wire::{Signal, TraceRequest, validate};

use super::source::{Attributes, Column, Events, Floats, Ints, Ragged, Spans, Texts, Values};
use super::{Heads, Oversized, Plan, compile};
use crate::{EncodeError, Shared};

/// What columns are made of.
#[derive(Clone, Debug)]
struct Owned {
    ids: Vec<u8>,
    span_ids: Vec<u8>,
    parents: Vec<u8>,
    times: Vec<u64>,
    texts: Vec<String>,
    numbers: Vec<i64>,
    doubles: Vec<f64>,
    truths: Vec<u8>,
    mask: Vec<u8>,
    codes: Vec<i8>,
    counts: Vec<u8>,
    group: Vec<u8>,
}

fn owned(most: usize) -> impl Strategy<Value = Owned> {
    let text = prop_oneof![
        4 => "[a-z]{0,20}",
        1 => "\\PC{0,9}",
        1 => Just("x".repeat(200)),
        1 => Just("y".repeat(20_000)),
    ];
    (0..most).prop_flat_map(move |rows| {
        let bytes = |width| proptest::collection::vec(any::<u8>(), rows * width);
        (
            (
                bytes(16),
                bytes(8),
                proptest::collection::vec(prop_oneof![Just(0_u8), any::<u8>()], rows * 8),
            ),
            proptest::collection::vec(prop_oneof![Just(0), any::<u64>()], rows),
            proptest::collection::vec(text.clone(), rows),
            proptest::collection::vec(prop_oneof![any::<i64>(), -200..200_i64], rows),
            proptest::collection::vec(any::<f64>(), rows),
            proptest::collection::vec(0..2_u8, rows),
            proptest::collection::vec(0..2_u8, rows),
            proptest::collection::vec(-1..3_i8, rows),
            proptest::collection::vec(0..3_u8, rows),
            proptest::collection::vec(0..3_u8, rows),
        )
            .prop_map(
                |((ids, span_ids, parents), times, texts, numbers, doubles, truths, mask, codes, counts, group)| {
                    Owned {
                        ids,
                        span_ids,
                        parents,
                        times,
                        texts,
                        numbers,
                        doubles,
                        truths,
                        mask,
                        codes,
                        counts,
                        group,
                    }
                },
            )
    })
}

/// Memory of the layouts that texts have.
struct Laid {
    data: Vec<u8>,
    offsets: Vec<i32>,
    starts: Vec<i64>,
    lengths: Vec<i32>,
    fixed: Vec<u8>,
    wide: Vec<u32>,
    items: Vec<i64>,
}

const WIDTH: usize = 9;

fn lay(owned: &Owned) -> Laid {
    let (mut data, mut offsets) = (Vec::new(), vec![0]);
    let (mut fixed, mut wide) = (Vec::new(), Vec::new());
    for text in &owned.texts {
        data.extend_from_slice(text.as_bytes());
        offsets.push(i32::try_from(data.len()).expect("short"));
        let short: String = text.chars().filter(char::is_ascii).take(WIDTH).collect();
        fixed.extend(short.bytes().chain(std::iter::repeat(0)).take(WIDTH));
        wide.extend(text.chars().map(u32::from).chain(std::iter::repeat(0)).take(WIDTH));
    }
    let mut items = vec![0];
    for &count in &owned.counts {
        let before = items[items.len() - 1];
        items.push(before + i64::from(count));
    }
    Laid {
        starts: offsets[..owned.texts.len()].iter().copied().map(i64::from).collect(),
        lengths: offsets.windows(2).map(|pair| pair[1] - pair[0]).collect(),
        data,
        offsets,
        fixed,
        wide,
        items,
    }
}

fn column<'a>(name: &str, values: Values<'a>, mask: Option<&'a [u8]>) -> Column<'a> {
    Column {
        name: name.to_owned(),
        values,
        mask: mask.map(Shared::from),
    }
}

fn columns<'a>(owned: &'a Owned, laid: &'a Laid, different: &'a [u8]) -> Spans<'a> {
    let rows = owned.times.len();
    let offsets = || Texts::Offsets {
        offsets: Ints::I32(laid.offsets.as_slice().into()),
        data: laid.data.as_slice().into(),
    };
    let views = Texts::Views {
        starts: Ints::I64(laid.starts.as_slice().into()),
        lengths: Ints::I32(laid.lengths.as_slice().into()),
        data: laid.data.as_slice().into(),
    };
    let fixed = Texts::Fixed {
        data: laid.fixed.as_slice().into(),
        width: WIDTH,
    };
    let wide = Texts::Ucs4 {
        data: laid.wide.as_slice().into(),
        width: WIDTH,
    };
    let dictionary = || {
        let texts = Texts::Fixed {
            data: different.into(),
            width: 2,
        };
        Values::Dictionary(Ints::I8(owned.codes.as_slice().into()), Box::new(Values::Str(texts)))
    };
    let mask = Some(owned.mask.as_slice());
    let numbers = Ints::I64(owned.numbers.as_slice().into());
    let items = Ints::I64(laid.items.as_slice().into());
    let count = usize::try_from(laid.items[rows]).expect("not negative");
    // Items are the first so many rows, again and again.
    let attributes = Attributes {
        columns: vec![
            ("offsets".to_owned(), column("offsets", Values::Str(offsets()), mask)),
            ("views".to_owned(), column("views", Values::Bytes(views), None)),
            ("fixed".to_owned(), column("fixed", Values::Str(fixed), None)),
            (String::new(), column("wide", Values::Str(wide), mask)),
            ("dictionary".to_owned(), column("dictionary", dictionary(), mask)),
            ("int".to_owned(), column("int", Values::Int(numbers), None)),
            ("k".repeat(130), column("int", Values::Int(numbers), mask)),
            (
                "double".to_owned(),
                column(
                    "double",
                    Values::Double(Floats::F64(owned.doubles.as_slice().into())),
                    None,
                ),
            ),
            (
                "bool".to_owned(),
                column("bool", Values::Bool(owned.truths.as_slice().into()), mask),
            ),
        ],
        ragged: (count == 0).then(|| Ragged {
            offsets: items,
            keys: column("keys", Values::Str(Texts::Empty(0)), None),
            values: column("values", Values::Str(Texts::Empty(0)), None),
        }),
        dropped: Some(("dropped".to_owned(), Ints::U8(owned.counts.as_slice().into()))),
    };
    Spans {
        rows,
        trace_id: owned.ids.as_slice().into(),
        span_id: owned.span_ids.as_slice().into(),
        parent_span_id: Some(owned.parents.as_slice().into()),
        trace_state: Some(column("trace_state", dictionary(), None)),
        name: column("name", Values::Str(offsets()), None),
        kind: Some(("kind".to_owned(), Ints::U8(owned.counts.as_slice().into()))),
        start: owned.times.as_slice().into(),
        end: owned.times.as_slice().into(),
        attributes,
        events: (count <= rows).then(|| Events {
            offsets: items,
            time: owned.times[..count].into(),
            name: column("name of events", Values::Str(Texts::Empty(count)), None),
            attributes: Attributes {
                columns: vec![(
                    "n".to_owned(),
                    column("n", Values::Int(Ints::I64(owned.numbers[..count].into())), None),
                )],
                ..Attributes::default()
            },
        }),
        dropped_events: None,
        links: None,
        dropped_links: None,
        status_code: Some(("status_code".to_owned(), Ints::U8(owned.truths.as_slice().into()))),
        status_message: Some(column("status_message", dictionary(), mask)),
        flags: None,
    }
}

fn heads() -> Vec<Heads> {
    [(1, 1), (1, 2), (3, 1)]
        .map(|(resource, scope)| Heads {
            resource: [0x0A, 2, 0x10, resource].into(),
            scope: [0x0A, 2, 0x20, scope].into(),
            scope_schema: (*b"schema").into(),
            ..Heads::default()
        })
        .to_vec()
}

/// Frames as they are made row by row.
fn row_by_row(spans: &Spans<'_>) -> Result<Vec<Vec<u8>>, EncodeError> {
    let fields = compile::spans(spans)?;
    let mut scratch = Vec::new();
    (0..spans.rows)
        .map(|row| {
            let mut out = Region::new();
            for field in &fields {
                field.append(row, &mut out, &mut scratch)?;
            }
            Ok(out.into_vec())
        })
        .collect()
}

fn check(owned: &Owned, limit: Option<usize>, threads: usize) {
    let laid = lay(owned);
    let spans = columns(owned, &laid, b"a\0bbc\0");
    let expected = row_by_row(&spans).expect("columns are right");
    let group = Ints::U8(owned.group.as_slice().into());
    let plan = Plan::new(&spans, heads(), Some(&group), limit, Oversized::Skip, threads).expect("columns are right");
    let requests = plan
        .write(0..plan.requests(), threads, Vec::new)
        .expect("nothing changes");
    let mut found = Vec::new();
    for (index, request) in requests.iter().enumerate() {
        assert!(limit.is_none_or(|limit| request.len() <= limit));
        assert_eq!(
            validate(Signal::Traces, request).expect("well-formed").items,
            plan.spans(index)
        );
        for resource in TraceRequest::new(request).resources() {
            for scope in resource.expect("well-formed").scopes() {
                let spans = scope.expect("well-formed").items();
                found.extend(spans.map(|span| span.expect("well-formed").bytes().to_vec()));
            }
        }
    }
    assert_eq!(found.len() + plan.skipped(), expected.len());
    if plan.skipped() == 0 {
        // Groups 0 and 1 are of one resource, group 2 of another; each appears when its first row does.
        let mut order: Vec<usize> = (0..spans.rows).collect();
        let of = |row: &usize| owned.group[*row];
        let first = |wanted: &dyn Fn(u8) -> bool| owned.group.iter().position(|&group| wanted(group));
        order.sort_by_key(|row| {
            let resource = first(&|group| (group == 2) == (of(row) == 2));
            (resource, first(&|group| group == of(row)))
        });
        let ordered: Vec<_> = order.iter().map(|&row| expected[row].clone()).collect();
        assert_eq!(found, ordered);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 3 } else { 60 }))]

    #[test]
    fn a_block_at_a_time_gives_what_row_by_row_gives(
        owned in owned(if cfg!(miri) { 3 } else { 200 }),
        limit in prop_oneof![Just(None), (300..100_000_usize).prop_map(Some)],
        threads in 1..4_usize,
    ) {
        check(&owned, limit, threads);
    }
}

#[test]
fn every_length_of_a_text_is_found_and_written() {
    for width in 1..if cfg!(miri) { 20 } else { 70 } {
        let mut data = Vec::new();
        for len in 0..=width {
            data.extend(std::iter::repeat_n(b'x', len).chain(std::iter::repeat_n(0, width - len)));
        }
        let rows = width + 1;
        let (ids, times) = (vec![1; rows * 16], vec![1; rows]);
        let spans = Spans {
            rows,
            trace_id: ids.as_slice().into(),
            span_id: ids[..rows * 8].into(),
            parent_span_id: None,
            trace_state: None,
            name: column(
                "name",
                Values::Str(Texts::Fixed {
                    data: data.as_slice().into(),
                    width,
                }),
                None,
            ),
            kind: None,
            start: times.as_slice().into(),
            end: times.as_slice().into(),
            attributes: Attributes::default(),
            events: None,
            dropped_events: None,
            links: None,
            dropped_links: None,
            status_code: None,
            status_message: None,
            flags: None,
        };
        let plan = Plan::new(&spans, Vec::new(), None, None, Oversized::Refuse, 1).expect("columns are right");
        let [request] = &plan.write(0..1, 1, Vec::new).expect("nothing changes")[..] else {
            panic!("one request")
        };
        let mut names = Vec::new();
        for resource in TraceRequest::new(request).resources() {
            for scope in resource.expect("well-formed").scopes() {
                let spans = scope.expect("well-formed").items();
                names.extend(spans.map(|span| span.expect("well-formed").name().len()));
            }
        }
        assert_eq!(names, (0..=width).collect::<Vec<_>>());
    }
}

#[test]
fn a_span_over_the_limit_is_refused_or_skipped() {
    let owned = Owned {
        ids: vec![1; 48],
        span_ids: vec![1; 24],
        parents: vec![0; 24],
        times: vec![1; 3],
        texts: vec!["a".to_owned(), "b".repeat(5000), "c".to_owned()],
        numbers: vec![0; 3],
        doubles: vec![0.0; 3],
        truths: vec![0; 3],
        mask: vec![0; 3],
        codes: vec![0; 3],
        counts: vec![0; 3],
        group: vec![0; 3],
    };
    check(&owned, Some(5000), 1);
    let laid = lay(&owned);
    let spans = columns(&owned, &laid, b"a\0bbc\0");
    let error = Plan::new(&spans, heads(), None, Some(5000), Oversized::Refuse, 1).expect_err("too long");
    let said = error.to_string();
    assert!(said.starts_with("span, row 1: its "), "{said}");
    let plan = Plan::new(&spans, heads(), None, Some(5000), Oversized::Skip, 1).expect("skipped");
    assert_eq!((plan.requests(), plan.spans(0), plan.skipped()), (1, 2, 1));
}
