//! Whole lanes with destinations that break in every way, in virtual time, over many seeds: what is accepted is delivered, waits or is
//! dropped and counted; nothing is delivered twice unless an answer was lost; and it goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use fastrand::Rng;
use spanwire_queue::{Appended, Group, Limits, Writer};
use spanwire_transport::config::TlsFiles;
use spanwire_transport::{Accepted, Compression, Config, ConnectionError, Protocol, Request, SendError, Tally};
use spanwire_wire::Signal;
use tokio::time::{sleep, timeout};

use super::super::*;
use crate::client::Client;
use crate::delivery::traffic::{MOST_BESIDE, MOST_SUSPECTS};
use crate::pool;
use crate::process::account::Account;
use crate::testing::{numbers, paused};

const SECOND: Duration = Duration::from_secs(1);

/// How a destination fails while it does.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Refuses,
    Resets,
    Hangs,
    Throttles,
    Unavailable,
}

/// A destination of which everything was drawn.
struct Backend {
    start: Instant,
    outages: Vec<(Duration, Duration, Fault)>,
    latency: Duration,
    /// Bytes of a request at most.
    largest: usize,
    /// One in so many answers is lost after the items were taken.
    loses_one_in: u32,
    /// Requests that have one of these are answered "later", for ever.
    poison: BTreeSet<u32>,
    compression: Compression,
    rng: Mutex<Rng>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    items: BTreeMap<u32, u32>,
    /// Those of answers that were lost.
    unsure: BTreeSet<u32>,
    /// In the order in which they came.
    order: Vec<u32>,
    /// Those of requests that were refused for what they had.
    tainted: BTreeSet<u32>,
    together: usize,
    most_together: usize,
}

struct Together<'b>(&'b Backend);

impl Drop for Together<'_> {
    fn drop(&mut self) {
        self.0.seen().together -= 1;
    }
}

impl Backend {
    fn draw(rng: &mut Rng) -> Self {
        let outages = (0..rng.u32(0..4)).map(|_| {
            let from = Duration::from_millis(rng.u64(0..60_000));
            let faults = [
                Fault::Refuses,
                Fault::Resets,
                Fault::Hangs,
                Fault::Throttles,
                Fault::Unavailable,
            ];
            let long = if rng.bool() { 5_000 } else { 120_000 };
            (
                from,
                from + Duration::from_millis(rng.u64(0..long)),
                faults[rng.usize(..faults.len())],
            )
        });
        let outages = outages.collect();
        let is_packed = rng.bool();
        pool::simulated::set(is_packed.then(|| Duration::from_millis(rng.u64(1..400))));
        Self {
            start: Instant::now(),
            compression: if is_packed {
                Compression::Zstd
            } else {
                Compression::None
            },
            outages,
            latency: Duration::from_millis(rng.u64(0..300)),
            largest: if rng.u32(0..4) == 0 {
                rng.usize(40..2_000)
            } else {
                usize::MAX
            },
            loses_one_in: if rng.u32(0..4) == 0 { rng.u32(2..20) } else { u32::MAX },
            poison: BTreeSet::new(),
            rng: Mutex::new(rng.fork()),
            seen: Mutex::default(),
        }
    }

    /// A client of it.
    fn client(&self, endpoint: &str) -> Client {
        let config = Config::new(
            Protocol::HttpProtobuf,
            endpoint,
            &[],
            self.compression,
            &TlsFiles::default(),
        );
        Client::new(config.expect("valid"), 10 * SECOND, None).expect("fork handlers")
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn random(&self, below: u32) -> u32 {
        self.rng.lock().expect("unpoisoned").u32(0..below.max(1))
    }

    fn fault(&self) -> Option<Fault> {
        let now = self.start.elapsed();
        let outage = self.outages.iter().find(|(from, to, _)| (*from..*to).contains(&now));
        outage.map(|&(_, _, fault)| fault)
    }

    fn is_well_from(&self) -> Duration {
        self.outages.iter().map(|&(_, to, _)| to).max().unwrap_or_default()
    }
}

fn status(code: u16, seconds: Option<u32>) -> SendError {
    SendError::Status {
        code,
        message: "drawn".into(),
        retry_after: seconds.map(|seconds| Duration::from_secs(seconds.into())),
    }
}

/// The same backend, for a route.
struct Shared(Arc<Backend>);

impl Destination for Shared {
    async fn attempt(&self, request: &Request, _: Instant, _: &Tally) -> Result<Accepted, SendError> {
        {
            let mut seen = self.0.seen();
            seen.together += 1;
            seen.most_together = seen.most_together.max(seen.together);
        }
        let _together = Together(&self.0);
        sleep(self.0.latency.mul_f64(f64::from(self.0.random(100)) / 100.0)).await;
        match self.0.fault() {
            Some(Fault::Refuses) => {
                let refused = ConnectionError::Connect {
                    address: "drawn".into(),
                    source: std::io::ErrorKind::ConnectionRefused.into(),
                };
                return Err(refused.into());
            }
            Some(Fault::Resets) => return Err(SendError::Lost("reset".into())),
            Some(Fault::Hangs) => std::future::pending().await,
            Some(Fault::Throttles) => return Err(status(429, Some(self.0.random(8)))),
            Some(Fault::Unavailable) => return Err(status(503, None)),
            None => {}
        }
        if request.body.len() > self.0.largest {
            return Err(status(413, None));
        }
        let plain = self.0.compression.decompress(vec![request.body.clone()], 1 << 20);
        let numbers = numbers(&plain.expect("compressed by what was drawn"));
        assert_eq!(numbers.len() as u64, request.items);
        if numbers.iter().any(|number| self.0.poison.contains(number)) {
            self.0.seen().tainted.extend(numbers);
            return Err(status(503, None));
        }
        let is_lost = self.0.loses_one_in < u32::MAX && self.0.random(self.0.loses_one_in) == 0;
        let mut seen = self.0.seen();
        for number in numbers {
            *seen.items.entry(number).or_default() += 1;
            seen.order.push(number);
            if is_lost {
                seen.unsure.insert(number);
            }
        }
        if is_lost {
            return Err(SendError::Lost("after the request".into()));
        }
        Ok(Accepted::default())
    }
}

/// An item that is its name, of so many bytes at least.
fn append(writer: &mut Writer, group: &Arc<Group>, number: u32, bytes: usize) {
    let name = format!("{number:>bytes$}");
    let len = u8::try_from(name.len()).expect("short");
    let frame = [&[0x2a, len], name.as_bytes()].concat();
    let appended = writer.append(group, frame.len(), |out| out.raw(&frame));
    assert!(matches!(appended, Appended::Done | Appended::Attend));
}

fn account(name: &str) -> Account {
    crate::process::lock().account(name, Signal::Traces).clone()
}

/// How the lane is left.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// When all is delivered.
    Patient,
    /// The processor is shut down, while perhaps nothing can be delivered.
    Early,
    /// The same, and a destination that takes nothing for so long is given up.
    Hurried(Duration),
    /// And the exporter, which leaves so much to what is under way.
    Closed(Duration),
}

/// As [`simulate`], with a backend that only refuses for ever what has certain items.
fn poison(seed: u64) {
    fastrand::seed(seed);
    let mut rng = Rng::with_seed(seed);
    let mut backend = Backend::draw(&mut rng);
    backend.outages.clear();
    backend.loses_one_in = u32::MAX;
    backend.largest = usize::MAX;
    let items = rng.u32(500..2_000);
    backend.poison = (0..rng.u32(1..6)).map(|_| rng.u32(..items)).collect();
    let backend = Arc::new(backend);
    let limits = BatchLimits {
        items: rng.usize(1..100),
        bytes: 400_000,
        delay: Duration::from_millis(rng.u64(0..5_000)),
        in_flight: rng.usize(1..6),
        backlog: 0,
    };
    let client = backend.client(&format!("http://poisoned-{seed}.test/"));
    let name = client.name();
    let (mut writer, lane) = Writer::new(Signal::Traces, Limits::default()).expect("fork handlers");
    let lane = Arc::new(lane);
    let sender = client.sender();
    let route = Arc::new(Route::new(sender.config(), Shared(Arc::clone(&backend))));
    let (_closing, is_closing) = watch::channel(Closing::No);
    let (_routes, routes) = watch::channel(route);
    let drive = Drive::new(Arc::clone(&lane), sender, limits);
    let bytes = rng.usize(1..60);
    let slow = rng.bool();
    paused(async {
        let driven = tokio::spawn(drive.run(routes, is_closing));
        let group = Arc::new(Group::default());
        let mut given = 0;
        let mut give = |count: u32| {
            for _ in 0..count {
                append(&mut writer, &group, given, bytes);
                given += 1;
            }
            given
        };
        while give(rng.u32(0..40)) < items {
            sleep(Duration::from_millis(rng.u64(0..if slow { 2_000 } else { 50 }))).await;
        }
        // More comes all the time: without it nobody knows whether the destination would take anything.
        let start = Instant::now();
        while account(&name).dropped.values().sum::<u64>() < backend.poison.len() as u64 {
            give(1);
            sleep(10 * SECOND).await;
            assert!(start.elapsed() < 3_600 * SECOND, "{:?}", account(&name));
        }
        let given = give(0);
        let done = lane.flush();
        while lane.counts().queued > 0 || account(&name).queued > 0 {
            sleep(SECOND).await;
            assert!(start.elapsed() < 3_700 * SECOND, "{:?}", account(&name));
        }
        sleep(SECOND).await;
        assert!(lane.wait_done(done, lane.generation(), std::time::Instant::now()));
        let arrived: BTreeSet<u32> = backend.seen().items.keys().copied().collect();
        let expected = (0..given).filter(|number| !backend.poison.contains(number));
        assert_eq!(arrived, expected.collect());
        assert!(backend.seen().items.values().all(|&times| times == 1));
        assert!(backend.seen().most_together <= limits.in_flight);
        let account = account(&name);
        let lost = backend.poison.len() as u64;
        assert_eq!(account.dropped, BTreeMap::from([(DropReason::Exhausted, lost)]));
        assert_eq!(account.exported, u64::from(given) - lost);
        lane.close();
        timeout(60 * SECOND, driven).await.expect("it ends").expect("no panic");
    });
}

/// As [`poison`], with many items that are never accepted, alone or in a row, and bounded queues: no more items are in flight than the bound,
/// or than the limit of in-flight requests allows; requests without such an item arrive in order; and a writer that waits for room drops
/// nothing.
fn crowd(seed: u64) {
    fastrand::seed(seed);
    let mut rng = Rng::with_seed(seed);
    let mut backend = Backend::draw(&mut rng);
    backend.outages.clear();
    backend.loses_one_in = u32::MAX;
    backend.largest = usize::MAX;
    let items = rng.u32(300..1_500);
    for _ in 0..rng.u32(8..40) {
        let first = rng.u32(..items);
        let many = if rng.u32(0..4) == 0 { rng.u32(1..5) } else { 1 };
        backend.poison.extend(first..items.min(first + many));
    }
    let backend = Arc::new(backend);
    let bound = if rng.bool() { rng.usize(20..400) } else { usize::MAX };
    let limits = BatchLimits {
        items: rng.usize(1..100).min(bound / 2),
        bytes: 400_000,
        delay: Duration::from_millis(rng.u64(0..5_000)),
        in_flight: if rng.bool() { 1 } else { rng.usize(2..6) },
        backlog: 0,
    };
    let bytes = rng.usize(1..60);
    crowd_of(&format!("crowded-{seed}"), rng, &backend, limits, bound, items, bytes);
}

/// The same of what was drawn, or is given.
fn crowd_of(
    name: &str,
    mut rng: Rng,
    backend: &Arc<Backend>,
    limits: BatchLimits,
    bound: usize,
    items: u32,
    bytes: usize,
) {
    let client = backend.client(&format!("http://{name}.test/"));
    let name = client.name();
    let (mut writer, lane) = Writer::new(
        Signal::Traces,
        Limits {
            frames: bound,
            ..Limits::default()
        },
    )
    .expect("fork handlers");
    let lane = Arc::new(lane);
    let sender = client.sender();
    let route = Arc::new(Route::new(sender.config(), Shared(Arc::clone(backend))));
    let (_closing, is_closing) = watch::channel(Closing::No);
    let (_routes, routes) = watch::channel(route);
    let drive = Drive::new(Arc::clone(&lane), sender, limits);
    let usual = (limits.in_flight * limits.items) as u64;
    let in_hand = usual.max((usual + 8 * limits.items as u64).min(bound as u64));
    paused(async {
        let driven = tokio::spawn(drive.run(routes, is_closing));
        let group = Arc::new(Group::default());
        let (mut given, start) = (0, Instant::now());
        let check = || {
            let account = account(&name);
            assert!(
                account.queued <= in_hand,
                "{} in hand, {in_hand} at most",
                account.queued
            );
            assert!(lane.counts().queued <= bound as u64);
            assert!(start.elapsed() < 7_200 * SECOND, "{account:?} {:?}", lane.counts());
            account
        };
        while given < items {
            for _ in 0..rng.u32(0..40) {
                if lane.counts().queued < bound as u64 {
                    append(&mut writer, &group, given, bytes);
                    given += 1;
                }
            }
            check();
            sleep(Duration::from_millis(rng.u64(0..2_000))).await;
        }
        // More comes all the time: without it nobody knows whether the destination would take anything.
        while check().dropped.values().sum::<u64>() < backend.poison.len() as u64 {
            if lane.counts().queued < bound as u64 {
                append(&mut writer, &group, given, bytes);
                given += 1;
            }
            sleep(3 * SECOND).await;
        }
        let _ = lane.flush();
        while lane.counts().queued > 0 || check().queued > 0 {
            sleep(SECOND).await;
        }
        let account = account(&name);
        check_arrivals(backend, given, limits.in_flight);
        let lost = backend.poison.len() as u64;
        assert_eq!(account.dropped, BTreeMap::from([(DropReason::Exhausted, lost)]));
        assert_eq!(account.exported, u64::from(given) - lost);
        lane.close();
        timeout(60 * SECOND, driven).await.expect("it ends").expect("no panic");
    });
}

/// All but what is never taken has arrived once, and in order what has no such item beside it.
fn check_arrivals(backend: &Backend, given: u32, in_flight: usize) {
    let arrived = backend.seen();
    let expected = (0..given).filter(|number| !backend.poison.contains(number));
    assert_eq!(
        arrived.items.keys().copied().collect::<BTreeSet<_>>(),
        expected.collect()
    );
    assert!(arrived.items.values().all(|&times| times == 1));
    assert!(arrived.most_together <= in_flight);
    if in_flight == 1 {
        let others = arrived.order.iter().filter(|&number| !arrived.tainted.contains(number));
        assert!(others.is_sorted(), "out of order");
    }
}

fn simulate(seed: u64) {
    fastrand::seed(seed);
    let mut rng = Rng::with_seed(seed);
    let backend = Arc::new(Backend::draw(&mut rng));
    let limits = BatchLimits {
        items: rng.usize(1..40),
        bytes: if rng.bool() { 400_000 } else { rng.usize(50..3_000) },
        delay: Duration::from_millis(rng.u64(0..5_000)),
        in_flight: rng.usize(1..6),
        backlog: 0,
    };
    let bound = if rng.u32(0..3) == 0 {
        rng.usize(5..200)
    } else {
        usize::MAX
    };
    let bytes = rng.usize(1..60);
    let client = backend.client(&format!("http://simulated-{seed}.test/"));
    let name = client.name();
    let (mut writer, lane) = Writer::new(
        Signal::Traces,
        Limits {
            frames: bound,
            ..Limits::default()
        },
    )
    .expect("fork handlers");
    let lane = Arc::new(lane);
    let sender = client.sender();
    let route = Arc::new(Route::new(sender.config(), Shared(Arc::clone(&backend))));
    let (closing, is_closing) = watch::channel(Closing::No);
    let (_routes, routes) = watch::channel(route);
    let drive = Drive::new(Arc::clone(&lane), sender, limits);
    let end = match rng.u32(0..5) {
        0 => End::Early,
        4 => End::Hurried(Duration::from_millis(rng.u64(0..8_000))),
        1 => End::Closed(Duration::from_millis(rng.u64(0..20_000))),
        _ => End::Patient,
    };
    paused(async {
        let driven = tokio::spawn(drive.run(routes, is_closing));
        let group = Arc::new(Group::default());
        let mut given = 0;
        for _ in 0..rng.u32(1..60) {
            for _ in 0..rng.u32(0..40) {
                append(&mut writer, &group, given, bytes);
                given += 1;
            }
            assert!(lane.counts().queued <= bound as u64);
            sleep(Duration::from_millis(rng.u64(0..2_000))).await;
            let account = account(&name);
            let dropped: u64 = account.dropped.values().sum();
            assert_eq!(account.accepted, account.exported + account.queued + dropped);
        }
        if end == End::Patient {
            let well = backend.start + backend.is_well_from() + 90 * SECOND;
            while Instant::now() < well {
                sleep(SECOND).await;
            }
            let done = async {
                while lane.counts().queued > 0 || account(&name).queued > 0 {
                    sleep(SECOND).await;
                }
            };
            // Requests may be of one item, and every second answer lost.
            timeout(600 * SECOND + given * 5 * SECOND, done)
                .await
                .expect("progress");
        }
        // Afterwards all that is left has its last tries at once: those too that took turns, and that stood beside.
        assert!(backend.seen().most_together <= limits.in_flight);
        if let End::Hurried(patience) = end {
            lane.set_patience(patience);
        }
        let (closed, taken) = (Instant::now(), backend.seen().items.len());
        lane.close();
        if let End::Closed(grace) = end {
            sleep(Duration::from_millis(rng.u64(0..2_000))).await;
            let _ = lane.discard();
            closing.send_replace(Closing::By(Instant::now() + grace));
            timeout(grace + SECOND, driven)
                .await
                .expect("in time")
                .expect("no panic");
        } else if let End::Hurried(patience) = end {
            timeout(Duration::from_secs(36_000), driven)
                .await
                .expect("it ends")
                .expect("no panic");
            if backend.seen().items.len() == taken {
                assert!(closed.elapsed() <= patience.max(20 * SECOND), "{:?}", closed.elapsed());
            }
        } else {
            // A round of tries for each request that there can be.
            timeout(Duration::from_secs(36_000), driven)
                .await
                .expect("it ends")
                .expect("no panic");
        }
        check(&name, &lane, &backend, u64::from(given), end, bound, limits.in_flight);
    });
}

fn check(name: &str, lane: &Lane, backend: &Backend, given: u64, end: End, bound: usize, in_flight: usize) {
    let account = account(name);
    let dropped: u64 = account.dropped.values().sum();
    assert_eq!((account.queued, lane.counts().queued), (0, 0));
    assert_eq!(account.accepted, given);
    assert_eq!(given, account.exported + dropped);
    let seen = backend.seen();
    for (number, times) in &seen.items {
        assert!(*times == 1 || seen.unsure.contains(number), "{number} {times} times");
    }
    let delivered = seen.items.len() as u64;
    let unsure = seen.unsure.len() as u64;
    assert!(account.exported <= delivered && delivered <= account.exported + unsure);
    assert!(seen.most_together <= in_flight + MOST_SUSPECTS + MOST_BESIDE);
    if end == End::Patient && bound == usize::MAX && backend.largest == usize::MAX {
        assert_eq!((account.exported, dropped), (given, 0));
    }
    if bound == usize::MAX {
        assert_eq!(account.dropped.get(&DropReason::QueueFull), None);
    }
    if end == End::Patient {
        let fair = [DropReason::QueueFull, DropReason::TooLarge];
        assert!(account.dropped.keys().all(|reason| fair.contains(reason)));
    }
}

fn for_seeds(usually: u64, law: fn(u64)) {
    let seeds = std::env::var("SIMULATED_SEEDS").map_or(usually, |seeds| seeds.parse().expect("a number"));
    for seed in 0..seeds {
        let _events = super::hold_events();
        if let Err(panic) = std::panic::catch_unwind(|| law(seed)) {
            eprintln!("seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn whatever_breaks_all_is_accounted_for_and_it_goes_on() {
    for_seeds(400, simulate);
}

#[test]
fn many_that_are_never_taken_stay_within_the_bound_and_hold_back_nothing_else() {
    for_seeds(200, crowd);
}

#[test]
fn requests_that_fill_the_queue_and_all_have_a_poison_item_are_found_out() {
    for_seeds(50, |seed| {
        let mut rng = Rng::with_seed(seed);
        let mut backend = Backend::draw(&mut rng);
        (backend.outages, backend.loses_one_in, backend.largest) = (Vec::new(), u32::MAX, usize::MAX);
        backend.poison = BTreeSet::from([30, 41]);
        let limits = BatchLimits {
            items: 19,
            bytes: 400_000,
            delay: 5 * SECOND,
            in_flight: 2,
            backlog: 0,
        };
        let name = format!("all-poison-{seed}");
        crowd_of(&name, rng, &Arc::new(backend), limits, 38, 100, 6);
    });
}

#[test]
fn what_is_never_taken_for_itself_holds_back_nothing_else() {
    for_seeds(200, poison);
}
