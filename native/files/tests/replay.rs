//! A recording comes out again: every span, in its order, at its moment.

use std::time::Duration;

use proptest::prelude::*;
use spanwire_files::{Plan, Recording, ReplayRequest, Shift};
use spanwire_wire::{Signal, SpanView, TraceRequest, validate};

const PLAN: Plan = Plan {
    speed: Some(1.0),
    shift: Shift::Keep,
    new_ids: false,
    spans: 512,
    bytes: 1 << 20,
    window: Duration::from_millis(100),
};
const MS: u64 = 1_000_000;

fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).expect("short");
    assert!(length < 0x80);
    [&[number << 3 | 2, length][..], content].concat()
}

fn span(trace: u8, id: u8, start: u64, end: u64) -> Vec<u8> {
    [
        field(1, &[trace; 16]),
        field(2, &[id; 8]),
        [&[0x39][..], &start.to_le_bytes()].concat(),
        [&[0x41][..], &end.to_le_bytes()].concat(),
    ]
    .concat()
}

fn request(service: u8, span: &[u8]) -> Vec<u8> {
    let resource = field(
        1,
        &field(1, &[field(1, b"k"), field(2, &field(1, &[service]))].concat()),
    );
    field(1, &[resource, field(2, &field(2, span)), field(3, b"url")].concat())
}

fn all(recording: &mut Recording, plan: &Plan) -> Vec<ReplayRequest> {
    std::iter::from_fn(|| recording.next_request(plan).expect("valid")).collect()
}

fn views(request: &[u8]) -> Vec<(u64, u64, u8)> {
    let mut found = Vec::new();
    for resource in TraceRequest::new(request).resources() {
        let resource = resource.expect("valid");
        assert_eq!(resource.schema_url(), "url");
        assert!(resource.resource().is_some());
        for scope in resource.scopes() {
            for span in scope.expect("valid").items() {
                let span: SpanView<'_> = span.expect("valid");
                found.push((
                    span.start_time().get(),
                    span.end_time().get(),
                    span.trace_id().as_bytes()[0],
                ));
            }
        }
    }
    found
}

fn two_traces() -> Recording {
    let mut recording = Recording::default();
    for (service, span) in [
        (b'a', span(1, 1, 1_000 * MS, 1_500 * MS)),
        (b'b', span(2, 1, 3_000 * MS, 3_100 * MS)),
        (b'b', span(1, 2, 1_200 * MS, 1_300 * MS)),
    ] {
        recording.add(&request(service, &span)).expect("valid");
    }
    recording
}

#[test]
fn traces_move_as_wholes_and_requests_come_when_spans_start() {
    let mut recording = two_traces();
    assert_eq!(
        (recording.len(), recording.traces(), recording.duration()),
        (3, 2, Duration::from_secs(2))
    );
    let plan = Plan {
        speed: Some(10.0),
        shift: Shift::To(50_000 * MS),
        window: Duration::ZERO,
        ..PLAN
    };
    let requests = all(&mut recording, &plan);
    let due: Vec<u64> = requests
        .iter()
        .map(|one| u64::try_from(one.due.as_millis()).expect("short"))
        .collect();
    assert_eq!(due, [0, 20, 200]);
    let times: Vec<_> = requests.iter().flat_map(|one| views(&one.request)).collect();
    // The second trace is 200 ms after the first; within the first all is as it was.
    assert_eq!(
        times,
        [
            (50_000 * MS, 50_500 * MS, 1),
            (50_200 * MS, 50_300 * MS, 1),
            (50_200 * MS, 50_300 * MS, 2)
        ]
    );
}

#[test]
fn without_a_speed_all_is_due_and_ends_now() {
    let plan = Plan {
        speed: None,
        shift: Shift::To(50_000 * MS),
        ..PLAN
    };
    let requests = all(&mut two_traces(), &plan);
    assert_eq!((requests.len(), requests[0].due), (1, Duration::ZERO));
    let times = views(&requests[0].request);
    assert_eq!(
        times,
        [
            (47_900 * MS, 48_400 * MS, 1),
            (48_100 * MS, 48_200 * MS, 1),
            (49_900 * MS, 50_000 * MS, 2)
        ]
    );
}

#[test]
fn kept_times_stay_and_new_ids_are_new() {
    let plan = Plan { new_ids: true, ..PLAN };
    let requests = all(&mut two_traces(), &plan);
    let times: Vec<_> = requests.iter().flat_map(|one| views(&one.request)).collect();
    assert_eq!(
        times.iter().map(|one| one.0 / MS).collect::<Vec<_>>(),
        [1_000, 1_200, 3_000]
    );
    assert_eq!(times[0].2, times[1].2, "still one trace");
    let requests = all(&mut two_traces(), &PLAN);
    let ids: Vec<_> = requests
        .iter()
        .flat_map(|one| views(&one.request))
        .map(|one| one.2)
        .collect();
    assert_eq!(ids, [1, 1, 2]);
}

proptest! {
    #[test]
    fn every_span_comes_once_in_order_within_the_bounds(
        spans in prop::collection::vec((any::<u8>(), 0_u64..5_000, 0_u64..5_000, b'a'..b'e'), 0..60),
        most in 1_usize..20,
        window in 0_u64..2_000,
        bytes in 1_usize..500,
        speed in prop::option::of(0.001_f64..1000.0),
    ) {
        let mut recording = Recording::default();
        for (trace, start, end, service) in &spans {
            recording.add(&request(*service, &span(*trace, 1, start * MS, end * MS))).expect("valid");
        }
        let plan = Plan { speed, spans: most, bytes, window: Duration::from_millis(window), ..PLAN };
        let requests = all(&mut recording, &plan);
        let mut before = Duration::ZERO;
        let mut starts = Vec::new();
        for one in &requests {
            prop_assert!(validate(Signal::Traces, &one.request).is_ok());
            let found = views(&one.request);
            prop_assert!(found.len() == one.spans && (1..=most).contains(&one.spans));
            prop_assert!(one.due >= before);
            before = one.due;
            let mut sorted: Vec<u64> = found.iter().map(|one| one.0).collect();
            sorted.sort_unstable();
            prop_assert!(starts.last() <= sorted.first());
            starts.extend(sorted);
        }
        let mut expected: Vec<u64> = spans.iter().map(|one| one.1 * MS).collect();
        expected.sort_unstable();
        prop_assert_eq!(starts, expected);
        prop_assert!(all(&mut recording, &plan).is_empty());
    }
}
