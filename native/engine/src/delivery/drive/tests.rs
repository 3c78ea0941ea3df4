mod simulation;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use spanwire_queue::{Appended, Group, Limits, Verdict, Writer};
use spanwire_wire::Signal;

use super::*;
use crate::testing::{backend, client};

const HOUR: Duration = Duration::from_secs(3600);

fn driven(client: &crate::Client, limits: BatchLimits) -> (Writer, Arc<Lane>) {
    let (writer, lane) = Writer::new(Signal::Traces, Limits::default()).expect("fork handlers");
    let lane = Arc::new(lane);
    lane.want_reader();
    assert!(lane.begin_reader());
    client.drive(Arc::clone(&lane), limits).expect("a worker");
    (writer, lane)
}

const LAZY: BatchLimits = BatchLimits {
    items: 100,
    bytes: 1 << 20,
    delay: HOUR,
    in_flight: 1,
    backlog: 0,
};

fn append(writer: &mut Writer, count: usize) {
    let group = Arc::new(Group::default());
    for _ in 0..count {
        assert_eq!(writer.append(&group, 50, |out| out.raw(&[7; 50])), Appended::Done);
    }
}

/// Held while the process's ring of events is looked at or overrun: it is one for all tests.
static EVENTS: Mutex<()> = Mutex::new(());

fn hold_events() -> MutexGuard<'static, ()> {
    EVENTS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn until(mut condition: impl FnMut() -> bool) {
    let deadline = soon();
    while !condition() {
        assert!(Instant::now() < deadline, "in vain");
        thread::sleep(Duration::from_millis(1));
    }
}

fn check_balance(client: &crate::Client, lane: &Lane, accepted: u64, exported: u64) {
    let account = crate::accounts(Signal::Traces)[&client.name()].clone();
    let dropped: u64 = account.dropped.values().sum();
    assert_eq!(account.accepted, account.exported + account.queued + dropped);
    assert_eq!(
        (account.accepted, account.exported, account.queued),
        (accepted, exported, 0)
    );
    let counts = lane.counts();
    assert_eq!(
        counts.accepted,
        counts.taken + counts.queued + counts.full + counts.closed
    );
}

#[test]
fn a_flush_sends_what_waits_and_no_more_is_sent_by_itself_before_its_time() {
    let backend = backend("200 OK", Duration::ZERO);
    let client = client(&backend.endpoint);
    let (mut writer, lane) = driven(&client, LAZY);
    append(&mut writer, 3);
    thread::sleep(Duration::from_millis(50));
    assert_eq!(backend.bytes.load(Ordering::SeqCst), 0);
    assert!(lane.wait_done(lane.flush(), lane.generation(), soon()));
    check_balance(&client, &lane, 3, 3);
    append(&mut writer, 1);
    assert!(lane.wait_done(lane.flush(), lane.generation(), soon()));
    check_balance(&client, &lane, 4, 4);
}

#[test]
fn full_batches_and_old_spans_are_sent_by_themselves() {
    let backend = backend("200 OK", Duration::ZERO);
    let client = client(&backend.endpoint);
    let (mut writer, lane) = driven(&client, LAZY);
    append(&mut writer, 250);
    until(|| lane.counts().taken == 200);
    assert_eq!(lane.counts().queued, 50);
    let short = BatchLimits {
        delay: Duration::from_millis(30),
        ..LAZY
    };
    let (mut writer, quick) = driven(&client, short);
    append(&mut writer, 1);
    until(|| quick.counts().taken == 1);
    // After an idle time the next one is seen as well.
    thread::sleep(Duration::from_millis(60));
    append(&mut writer, 1);
    until(|| quick.counts().taken == 2);
}

#[test]
fn what_waits_when_queue_and_client_are_dropped_is_still_sent() {
    let backend = backend("200 OK", Duration::ZERO);
    let client = client(&backend.endpoint);
    let name = client.name();
    let (mut writer, lane) = driven(&client, LAZY);
    append(&mut writer, 5);
    drop((writer, lane, client));
    until(|| {
        crate::accounts(Signal::Traces)
            .get(&name)
            .is_some_and(|account| account.exported == 5)
    });
}

#[test]
fn what_is_refused_is_counted_and_told() {
    let _events = hold_events();
    let backend = backend("400 Bad Request", Duration::ZERO);
    let client = client(&backend.endpoint);
    let (mut writer, lane) = driven(&client, LAZY);
    append(&mut writer, 3);
    assert!(lane.wait_done(lane.flush(), lane.generation(), soon()));
    check_balance(&client, &lane, 3, 0);
    let group = Arc::new(Group::default());
    assert_eq!(writer.append(&group, 1, |out| out.raw(&[1])), Appended::Attend); // there are news
    assert!(lane.take_news());
    let mut told = Vec::new();
    until(|| {
        told.extend(events::take().0);
        told.iter().any(|event| event.destination == client.name())
    });
    let event = told
        .iter()
        .find(|event| event.destination == client.name())
        .expect("just seen");
    assert_eq!((event.what, event.items), (What::Lost(DropReason::Refused), 3));
}

#[test]
fn what_the_bound_pushes_out_is_told_while_nothing_may_be_sent() {
    let backend = backend("503 Later\r\nretry-after: 60", Duration::ZERO);
    let client = client(&backend.endpoint);
    let (mut writer, lane) = Writer::new(
        Signal::Traces,
        Limits {
            frames: 10,
            ..Limits::default()
        },
    )
    .expect("fork handlers");
    let lane = Arc::new(lane);
    lane.want_reader();
    assert!(lane.begin_reader());
    let limits = BatchLimits { items: 5, ..LAZY };
    client.drive(Arc::clone(&lane), limits).expect("a worker");
    append(&mut writer, 5);
    until(|| {
        crate::accounts(Signal::Traces)
            .get(&client.name())
            .is_some_and(|account| account.requests > 0)
    });
    let pushed_out = || {
        let account = crate::accounts(Signal::Traces)[&client.name()].clone();
        account.dropped.get(&DropReason::QueueFull).copied().unwrap_or_default()
    };
    let group = Arc::new(Group::default());
    // Again, when the worker has seen that it may not send.
    for (appended, lost) in [(40, 30), (20, 50)] {
        for _ in 0..appended {
            let said = writer.append(&group, 50, |out| out.raw(&[7; 50]));
            assert_ne!(said, Appended::Full); // there may be news
        }
        assert!(lane.is_at_bound());
        until(|| pushed_out() == lost);
    }
    lane.close();
    let _ = lane.discard(); // what the worker has not taken meanwhile
}

#[test]
fn a_closed_lane_is_emptied_and_left() {
    let backend = backend("200 OK", Duration::ZERO);
    let client = client(&backend.endpoint);
    let (mut writer, lane) = driven(&client, LAZY);
    append(&mut writer, 3);
    lane.close();
    assert!(lane.wait_done(lane.flush(), lane.generation(), soon()));
    check_balance(&client, &lane, 3, 3);
    until(|| Arc::strong_count(&lane) == 1); // the worker has let go of it
}

#[test]
fn a_panic_of_the_worker_closes_the_lane_and_counts_what_waited() {
    let client = client("http://127.0.0.1:9/panic");
    let (mut writer, lane) = Writer::new(Signal::Traces, Limits::default()).expect("fork handlers");
    let lane = Arc::new(lane);
    let drive = Drive::new(Arc::clone(&lane), client.sender(), LAZY);
    append(&mut writer, 4);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _held = drive;
        std::panic::panic_any("on purpose");
    }));
    assert!(panicked.is_err());
    let account = crate::accounts(Signal::Traces)[&client.name()].clone();
    assert_eq!((account.accepted, account.dropped[&DropReason::Internal]), (4, 4));
    assert!(lane.is_ended());
}

/// Drops items that begin with 1, and replaces those that begin with 2.
#[derive(Debug)]
struct Change;

impl crate::Stage for Change {
    fn frame(&self, _: &Group, item: &[u8]) -> Verdict {
        match item[0] {
            1 => Verdict::Drop,
            2 => Verdict::Replace(vec![9; 10]),
            _ => Verdict::Keep,
        }
    }
}

#[test]
fn stages_leave_out_and_replace_spans_and_what_they_drop_is_counted() {
    let backend = backend("200 OK", Duration::ZERO);
    let client = client(&backend.endpoint);
    client.set_stages(Arc::new([Arc::new(Change)]));
    let (mut writer, lane) = driven(&client, LAZY);
    let group = Arc::new(Group::default());
    for first in [0, 1, 2, 0, 0, 1, 1, 3, 2] {
        assert_eq!(writer.append(&group, 50, |out| out.raw(&[first; 50])), Appended::Done);
    }
    assert!(lane.wait_done(lane.flush(), lane.generation(), soon()));
    let account = crate::accounts(Signal::Traces)[&client.name()].clone();
    assert_eq!(
        (account.accepted, account.exported, account.dropped[&DropReason::Stage]),
        (9, 6, 3)
    );
    // Two headers of two bytes each; four items of 52 bytes and two of 12.
    assert_eq!(backend.bytes.load(Ordering::SeqCst), 4 + 2 + 4 * 52 + 2 * 12);
    // All left out: there is no request.
    assert_eq!(writer.append(&group, 50, |out| out.raw(&[1; 50])), Appended::Done);
    assert!(lane.wait_done(lane.flush(), lane.generation(), soon()));
    assert_eq!(crate::accounts(Signal::Traces)[&client.name()].requests, 1);
}

#[test]
fn of_what_is_driven_the_ledger_says_what_became_of_it() {
    let backend = backend("400 No", Duration::ZERO);
    let client = client(&backend.endpoint);
    let group = Arc::new(Group::default());
    let (mut writer, lane) = driven(&client, LAZY);
    // With what the worker has to say the writer is asked to attend.
    let mut append = |count: usize| {
        for _ in 0..count {
            let _ = writer.append(&group, 50, |out| out.raw(&[7; 50]));
        }
    };
    append(2);
    assert!(lane.wait_done(lane.flush(), lane.generation(), soon()));
    assert_eq!(client.take_ledger(), crate::Ledger::default()); // nobody has asked for it
    client.keep_ledger();
    append(3);
    assert!(lane.wait_done(lane.flush(), lane.generation(), soon()));
    client.keep_ledger(); // a second time is once
    let ledger = client.take_ledger();
    assert_eq!((ledger.begun, ledger.exported), (3, 0));
    assert_eq!(ledger.lost, [(DropReason::Refused, 3)]);
    assert_eq!(ledger.ended.len(), 1);
    assert_eq!(ledger.ended[0].lost, Some(DropReason::Refused));
    assert_eq!(client.take_ledger(), crate::Ledger::default());
    // What comes too late is begun and lost.
    assert!(client.shutdown(Duration::from_secs(60)));
    append(1);
    assert!(lane.wait_done(lane.flush(), lane.generation(), soon()));
    let ledger = client.take_ledger();
    assert_eq!((ledger.begun, &ledger.lost[..]), (1, &[(DropReason::Shutdown, 1)][..]));
    assert_eq!(ledger.ended[0].lost, Some(DropReason::Shutdown));
}

#[test]
fn another_configuration_holds_from_the_next_request_on() {
    let (first, second) = (backend("200 OK", Duration::ZERO), backend("200 OK", Duration::ZERO));
    let client = client(&first.endpoint);
    let (mut writer, lane) = driven(&client, LAZY);
    append(&mut writer, 2);
    assert!(lane.wait_done(lane.flush(), lane.generation(), soon()));
    let name = client.name();
    let config = spanwire_transport::Config::new(
        spanwire_transport::Protocol::HttpProtobuf,
        &second.endpoint,
        &[],
        spanwire_transport::Compression::None,
        &spanwire_transport::config::TlsFiles::default(),
    );
    client.reconfigure(config.expect("valid configuration"));
    until(|| client.name() != name);
    append(&mut writer, 3);
    assert!(lane.wait_done(lane.flush(), lane.generation(), soon()));
    assert_eq!(crate::accounts(Signal::Traces)[&name].exported, 2);
    assert_eq!(crate::accounts(Signal::Traces)[&client.name()].exported, 3);
    assert!(second.bytes.load(Ordering::SeqCst) > 3 * 50);
}

/// A readable request of so many items.
fn request(items: u32) -> Buffer {
    let items = (0..items).flat_map(|number| {
        let name = format!("{number:>50}");
        [&[0x12, 52, 0x2a, 50], name.as_bytes()].concat()
    });
    let items: Vec<u8> = items.collect();
    let enclose = |bytes: Vec<u8>, tag: u8| {
        let len = u32::try_from(bytes.len()).expect("short");
        let varint = [0, 7, 14].map(|shift| u8::try_from(len >> shift & 127).expect("7 bits"));
        [&[tag, varint[0] | 128, varint[1] | 128, varint[2]], &bytes[..]].concat()
    };
    let mut buffer = Buffer::take();
    buffer.extend_from_slice(&enclose(enclose(items, 0x12), 0x0a));
    buffer
}

#[test]
fn a_backend_to_which_every_span_is_too_large_is_asked_a_few_times() {
    let _events = hold_events();
    let backend = backend("413 Payload Too Large", Duration::ZERO);
    let asked = || backend.requests.swap(0, Ordering::SeqCst);
    let lost = |client: &crate::Client| crate::accounts(Signal::Traces)[&client.name()].dropped[&DropReason::TooLarge];

    let driven_client = client(&format!("{}/driven", backend.endpoint));
    let (mut writer, lane) = driven(&driven_client, LAZY);
    let group = Arc::new(Group::default());
    for number in 0..5_000 {
        let frame = [&[0x2a, 50], format!("{number:>50}").as_bytes()].concat();
        let _ = writer.append(&group, frame.len(), |out| out.raw(&frame));
    }
    lane.close();
    assert!(lane.wait_done(lane.flush(), lane.generation(), soon()));
    assert_eq!(lost(&driven_client), 5_000);
    let requests = asked();
    assert!(requests < 60, "{requests} requests of a lane");

    let waiting = client(&format!("{}/waiting", backend.endpoint));
    for _ in 0..10 {
        let crate::client::Submitted::UnderWay(ticket) = waiting.submit(Signal::Traces, request(512), 512) else {
            panic!("not sent")
        };
        let answer = ticket.wait(Duration::from_secs(60)).expect("an answer");
        assert_eq!(answer.losses, [(DropReason::TooLarge, 512)]);
    }
    assert_eq!(lost(&waiting), 5_120);
    let requests = asked();
    assert!(requests < 60, "{requests} requests of callers");
}

/// Holds a batch until it is let go, or for ever.
#[derive(Debug)]
struct Gate {
    came: AtomicBool,
    opens: Mutex<std::sync::mpsc::Receiver<()>>,
}

impl crate::Stage for Gate {
    fn frame(&self, _: &Group, _: &[u8]) -> Verdict {
        if !self.came.swap(true, Ordering::SeqCst) {
            let opens = self.opens.lock().unwrap_or_else(PoisonError::into_inner);
            opens.recv().expect("the test goes on");
        }
        Verdict::Keep
    }
}

#[test]
fn every_span_is_in_the_queue_or_in_the_account_also_between_them() {
    let backend = backend("200 OK", Duration::ZERO);
    let client = client(&backend.endpoint);
    let (open, opens) = std::sync::mpsc::channel();
    let gate = Arc::new(Gate {
        came: AtomicBool::new(false),
        opens: Mutex::new(opens),
    });
    client.set_stages(Arc::new([Arc::clone(&gate) as Arc<dyn crate::Stage>]));
    let (mut writer, lane) = driven(&client, LAZY);
    let seen = || {
        let (accounts, queued) = crate::accounts_and(Signal::Traces, || lane.unreported());
        accounts.get(&client.name()).map_or(0, |account| account.accepted) + queued
    };
    append(&mut writer, 7);
    assert_eq!(seen(), 7);
    let flushed = lane.flush();
    until(|| gate.came.load(Ordering::SeqCst));
    assert_eq!((seen(), lane.counts().queued), (7, 0));
    open.send(()).expect("the worker waits");
    assert!(lane.wait_done(flushed, lane.generation(), soon()));
    assert_eq!(seen(), 7);
    check_balance(&client, &lane, 7, 7);
}

#[test]
fn what_a_bound_pushes_out_is_never_missing_from_the_sum() {
    let backend = backend("503 Later\r\nretry-after: 60", Duration::ZERO);
    let client = client(&backend.endpoint);
    let bound = Limits {
        frames: 10,
        ..Limits::default()
    };
    let (mut writer, lane) = Writer::new(Signal::Traces, bound).expect("fork handlers");
    let lane = Arc::new(lane);
    lane.want_reader();
    assert!(lane.begin_reader());
    client
        .drive(Arc::clone(&lane), BatchLimits { items: 5, ..LAZY })
        .expect("a worker");
    let group = Arc::new(Group::default());
    for appended in 1..=3_000 {
        let _ = writer.append(&group, 50, |out| out.raw(&[7; 50]));
        let (accounts, queued) = crate::accounts_and(Signal::Traces, || lane.unreported());
        let accepted = accounts.get(&client.name()).map_or(0, |account| account.accepted);
        assert_eq!(accepted + queued, appended);
    }
    lane.close();
    let _ = lane.discard(); // what the worker has not taken meanwhile
}
