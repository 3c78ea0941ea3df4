use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use fastrand::Rng;
use proptest::prelude::*;
use spanwire_queue::{Appended, Group, Lane, Limits, Writer};
use spanwire_transport::Balancer;
use spanwire_transport::balancer::Strategy;
use spanwire_transport::deliver::Closing;
use spanwire_wire::Signal;
use tokio::sync::watch;
use tokio::time::sleep;

use super::*;
use crate::delivery::drive::{BatchLimits, Drive};
use crate::delivery::route::Route;
use crate::testing::{client, numbers, paused};

const SECOND: Duration = Duration::from_secs(1);

fn spread(names: &[&str]) -> Spread {
    Spread::new(names.iter().map(|&name| (name.to_owned(), Arc::default())).collect())
}

fn home(spread: &Spread, id: [u8; 16]) -> usize {
    spread.homes(Tried::default()).of(&id)
}

fn fail(breaker: &Breaker) {
    while !breaker.is_out() {
        let permit = breaker.try_admit().expect("its wait is over");
        permit.failed(Some(Duration::ZERO));
    }
}

#[test]
fn homes_stay_what_they_were_in_all_versions() {
    let spread = spread(&[
        "http://a:4318/v1/traces",
        "http://b:4318/v1/traces",
        "http://c:4318/v1/traces",
    ]);
    let homes: Vec<_> = (0..12).map(|number| home(&spread, [number; 16])).collect();
    assert_eq!(homes, HOMES);
}

/// By an implementation in Python.
const HOMES: [usize; 12] = [0, 1, 0, 0, 2, 1, 2, 0, 1, 1, 1, 0];

#[test]
fn each_has_about_its_share_also_of_ids_that_are_alike() {
    let spread = spread(&["http://a", "http://b", "http://c", "http://d", "http://e"]);
    for is_random in [true, false] {
        let mut rng = Rng::with_seed(7);
        let mut counts = [0; 5];
        for number in 0..50_000_u128 {
            let id = if is_random { rng.u128(..) } else { number };
            counts[home(&spread, id.to_be_bytes())] += 1;
        }
        assert!(counts.iter().all(|count| (9_600..10_400).contains(count)), "{counts:?}");
    }
}

proptest! {
    #[test]
    fn when_one_is_out_its_traces_alone_move_and_come_back(ids in prop::collection::vec(any::<[u8; 16]>(), 1..200), gone in 0usize..4) {
        paused(async {
            let breakers: Vec<_> = (0..4)
                .map(|_| Arc::new(Breaker::new(1, spanwire_transport::Backoff::default())))
                .collect();
            let names = ["a", "b", "c", "d"].map(str::to_owned);
            let spread = Spread::new(names.into_iter().zip(breakers.iter().cloned()).collect());
            let before: Vec<_> = ids.iter().map(|&id| home(&spread, id)).collect();
            fail(&breakers[gone]);
            for (&id, &before) in ids.iter().zip(&before) {
                let after = home(&spread, id);
                prop_assert_eq!(after == before, before != gone);
            }
            // All out: each is tried where it was.
            for breaker in &breakers {
 fail(breaker);
 }
            prop_assert!(ids.iter().map(|&id| home(&spread, id)).eq(before.iter().copied()));
            sleep(SECOND).await;
            for breaker in &breakers {
                breaker.try_admit().expect("a probe").reached();
            }
            prop_assert!(ids.iter().map(|&id| home(&spread, id)).eq(before));
            Ok(())
        })?;
    }

    #[test]
    fn it_does_not_matter_in_which_order_they_are_named(ids in prop::collection::vec(any::<[u8; 16]>(), 1..100)) {
        let (one, other) = (spread(&["a", "b", "c"]), spread(&["c", "a", "b"]));
        for id in ids {
            prop_assert_eq!((home(&one, id) + 1) % 3, home(&other, id));
        }
    }
}

#[derive(Clone, Copy)]
enum Fault {
    /// It can be connected to all the same.
    Hangs,
    Refuses,
    /// Answers 429 with a Retry-After.
    Throttles(Duration),
}

/// An endpoint that fails at certain times.
struct Endpoint {
    start: Instant,
    outages: Vec<(Duration, Duration, Fault)>,
    loses_one_in: u32,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Items by number, each with its trace, and how often.
    items: BTreeMap<u32, u32>,
    unsure: BTreeSet<u32>,
    requests: u32,
    /// When something was taken.
    times: Vec<Duration>,
}

impl Endpoint {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("unpoisoned")
    }
}

#[derive(Clone)]
struct Shared(Arc<Endpoint>);

impl Destination for Shared {
    async fn attempt(&self, request: &Request, _: Instant, _: &Tally) -> Result<Accepted, SendError> {
        sleep(Duration::from_millis(fastrand::u64(0..100))).await;
        let now = self.0.start.elapsed();
        let outage = self.0.outages.iter().find(|(from, to, _)| (*from..*to).contains(&now));
        match outage {
            Some((_, _, Fault::Hangs)) => std::future::pending().await,
            Some(&(_, _, Fault::Throttles(wait))) => {
                return Err(SendError::Status {
                    code: 429,
                    message: String::new(),
                    retry_after: Some(wait),
                });
            }
            Some((_, _, Fault::Refuses)) => return Err(SendError::Lost("refused".into())),
            None => {}
        }
        let numbers = numbers(&request.body);
        assert_eq!(numbers.len() as u64, request.items);
        let mut seen = self.0.seen();
        for &number in &numbers {
            *seen.items.entry(number).or_default() += 1;
        }
        seen.requests += 1;
        seen.times.push(now);
        if seen.requests.is_multiple_of(self.0.loses_one_in) {
            seen.unsure.extend(numbers);
            return Err(SendError::Lost("after it was taken".into()));
        }
        Ok(Accepted::default())
    }
}

fn trace(number: u32) -> [u8; 16] {
    u128::from(number / 7 + 1).to_be_bytes()
}

fn append(writer: &mut Writer, group: &Arc<Group>, number: u32) {
    let name = number.to_string();
    let len = u8::try_from(name.len()).expect("short");
    let frame = [&[0x0a, 16], &trace(number)[..], &[0x2a, len], name.as_bytes()].concat();
    let appended = writer.append(group, frame.len(), |out| out.raw(&frame));
    assert!(matches!(appended, Appended::Done | Appended::Attend));
}

/// The lane ends when all is delivered, or by a shutdown while endpoints may be out.
fn simulate(seed: u64) {
    fastrand::seed(seed);
    let mut rng = Rng::with_seed(seed);
    let client = client(&format!("http://spread-{seed}.test/"));
    let name = client.name();
    let is_patient = rng.bool();
    let is_one_well = rng.u32(0..4) > 0;
    let given = rng.u32(1..1_500);
    let limits = BatchLimits {
        items: rng.usize(1..100),
        bytes: 400_000,
        delay: Duration::from_millis(rng.u64(0..2_000)),
        in_flight: rng.usize(1..4),
        backlog: 0,
    };
    paused(async {
        let endpoints: Vec<_> = (0..rng.usize(2..5))
            .map(|number| {
                let outages = (0..rng.u32(0..3)).map(|_| {
                    let from = Duration::from_millis(rng.u64(0..60_000));
                    let fault = match rng.u32(0..3) {
                        0 => Fault::Hangs,
                        1 => Fault::Refuses,
                        _ => Fault::Throttles(SECOND * rng.u32(0..100)),
                    };
                    (from, from + Duration::from_millis(rng.u64(0..60_000)), fault)
                });
                let outages = outages.collect();
                Shared(Arc::new(Endpoint {
                    start: Instant::now(),
                    // One is always well.
                    outages: if number == 0 && is_one_well {
                        Vec::new()
                    } else {
                        outages
                    },
                    loses_one_in: if number > 0 && rng.bool() {
                        rng.u32(5..50)
                    } else {
                        u32::MAX
                    },
                    seen: Mutex::default(),
                }))
            })
            .collect();
        let (mut writer, lane) = Writer::new(Signal::Traces, Limits::default()).expect("fork handlers");
        let lane = Arc::new(lane);
        let sender = client.sender();
        let balancer = Balancer::new(endpoints.iter().cloned(), Strategy::TraceId);
        balancer.watch();
        let named = (0..).map(|number: u32| number.to_string());
        let breakers = balancer.members().map(|(_, breaker)| Arc::clone(breaker));
        let spread = Spread::new(named.zip(breakers).collect());
        let is_well_everywhere = endpoints
            .iter()
            .all(|one| one.0.outages.is_empty() && one.0.loses_one_in == u32::MAX);
        let homes: Vec<_> = (0..given).map(|number| home(&spread, trace(number))).collect();
        let route = Arc::new(Route::new(sender.config(), balancer).spread_over(spread));
        let (_closing, is_closing) = watch::channel(Closing::No);
        let (_routes, routes) = watch::channel(route);
        let driven = tokio::spawn(Drive::new(Arc::clone(&lane), sender, limits).run(routes, is_closing));
        let group = Arc::new(Group::default());
        let mut number = 0;
        while number < given {
            for _ in 0..rng.u32(1..60).min(given - number) {
                append(&mut writer, &group, number);
                number += 1;
            }
            sleep(Duration::from_millis(rng.u64(0..3_000))).await;
        }
        let start = Instant::now();
        if is_patient {
            let _ = lane.flush();
            while crate::process::lock().account(&name, Signal::Traces).queued > 0 || lane.counts().queued > 0 {
                sleep(SECOND).await;
                assert!(start.elapsed() < 300 * SECOND, "no progress");
            }
        }
        lane.close();
        tokio::time::timeout(600 * SECOND, driven)
            .await
            .expect("it ends")
            .expect("no panic");
        let may_lose = !is_one_well && !is_patient;
        check(
            &name,
            &lane,
            &endpoints,
            (given, may_lose),
            is_well_everywhere.then_some(&homes),
        );
    });
}

fn check(name: &str, lane: &Lane, endpoints: &[Shared], (given, may_lose): (u32, bool), homes: Option<&Vec<usize>>) {
    let account = crate::accounts(Signal::Traces)[name].clone();
    assert_eq!((account.queued, lane.counts().queued), (0, 0));
    let lost: u64 = account.dropped.values().sum();
    assert_eq!(account.exported + lost, u64::from(given), "{account:?}");
    assert!(may_lose || lost == 0, "{account:?}");
    let mut at: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    let mut unsure = BTreeSet::new();
    for (endpoint, one) in endpoints.iter().enumerate() {
        let seen = one.0.seen();
        unsure.extend(seen.unsure.iter().copied());
        for (&number, &times) in &seen.items {
            at.entry(number)
                .or_default()
                .extend(std::iter::repeat_n(endpoint, times as usize));
        }
    }
    assert!(at.len() as u64 >= account.exported);
    for (number, at) in at {
        assert!(at.len() == 1 || unsure.contains(&number), "{number} at {at:?}");
        if let Some(homes) = homes {
            assert_eq!(at, [homes[number as usize]]);
        }
    }
}

#[test]
fn while_one_is_well_every_span_arrives_and_while_all_are_at_its_home() {
    let seeds = std::env::var("SIMULATED_SEEDS").map_or(150, |seeds| seeds.parse().expect("a number"));
    for seed in 0..seeds {
        if let Err(panic) = std::panic::catch_unwind(|| simulate(seed)) {
            eprintln!("seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}

/// Ten traces of seven items each second for a minute and a half, to two endpoints on one machine, the first of which fails like this:
/// when each took something, and what became of all a minute later.
fn beside_one_that_fails(name: &str, outages: [Vec<(Duration, Duration, Fault)>; 2]) -> [Vec<Duration>; 2] {
    fastrand::seed(9);
    let client = client(&format!("http://{name}.test/"));
    let limits = BatchLimits {
        items: 50,
        bytes: 400_000,
        delay: Duration::from_millis(100),
        in_flight: 1,
        backlog: 0,
    };
    paused(async {
        let endpoints = outages.map(|outages| {
            Shared(Arc::new(Endpoint {
                start: Instant::now(),
                outages,
                loses_one_in: u32::MAX,
                seen: Mutex::default(),
            }))
        });
        let (mut writer, lane) = Writer::new(Signal::Traces, Limits::default()).expect("fork handlers");
        let lane = Arc::new(lane);
        let sender = client.sender();
        let balancer = Balancer::new(endpoints.iter().cloned(), Strategy::TraceId);
        balancer.watch();
        let breakers = balancer.members().map(|(_, breaker)| Arc::clone(breaker));
        let spread = Spread::new((0..).map(|number: u32| number.to_string()).zip(breakers).collect());
        let route = Arc::new(Route::new(sender.config(), balancer).spread_over(spread));
        let (_closing, is_closing) = watch::channel(Closing::No);
        let (_routes, routes) = watch::channel(route);
        let driven = tokio::spawn(Drive::new(Arc::clone(&lane), sender, limits).run(routes, is_closing));
        let group = Arc::new(Group::default());
        for second in 0..90 {
            for number in 0..70 {
                append(&mut writer, &group, second * 70 + number);
            }
            sleep(SECOND).await;
        }
        sleep(60 * SECOND).await;
        let account = crate::accounts(Signal::Traces)[&client.name()].clone();
        assert_eq!((account.exported, account.queued, lane.counts().queued), (6_300, 0, 0));
        lane.close();
        driven.await.expect("no panic");
        endpoints.map(|one| one.0.seen().times.clone())
    })
}

/// The longest time without a request that was taken, in the minute and a half.
fn longest_gap(times: &[Duration], from: Duration) -> Duration {
    let times = times.iter().copied().filter(|&time| time < 90 * SECOND);
    let (mut last, mut longest) = (from, Duration::ZERO);
    for time in times.filter(|&time| time >= from).chain([90 * SECOND]) {
        longest = longest.max(time.saturating_sub(last));
        last = time;
    }
    longest
}

#[test]
fn one_that_asks_for_a_long_wait_holds_nothing_back() {
    let outage = (Duration::ZERO, SECOND, Fault::Throttles(300 * SECOND));
    let [away, well] = beside_one_that_fails("long-wait", [vec![outage], Vec::new()]);
    assert!(away.is_empty());
    assert!(longest_gap(&well, Duration::ZERO) < 2 * SECOND, "{well:?}");
}

#[test]
fn one_that_asks_for_short_waits_again_and_again_holds_nothing_back() {
    // Between two waits it takes what has waited.
    let outages = (0..90).filter(|second| second % 9 < 3).map(|second| {
        let from = SECOND * second;
        (from, from + SECOND, Fault::Throttles(8 * SECOND))
    });
    let [_, well] = beside_one_that_fails("short-waits", [outages.collect(), Vec::new()]);
    assert!(longest_gap(&well, Duration::ZERO) < 3 * SECOND, "{well:?}");
}

#[test]
fn of_two_that_ask_for_waits_the_sooner_has_its_spans_first() {
    let waits = [8, 2].map(|seconds| vec![(Duration::ZERO, SECOND, Fault::Throttles(SECOND * seconds))]);
    let [later, sooner] = beside_one_that_fails("two-waits", waits);
    assert!(later[0] >= 8 * SECOND);
    assert!((2 * SECOND..4 * SECOND).contains(&sooner[0]), "{sooner:?}");
}

#[test]
fn when_one_is_back_the_traces_of_one_that_asks_for_a_long_wait_go_there() {
    let waits = [300, 20].map(|seconds| vec![(Duration::ZERO, SECOND, Fault::Throttles(SECOND * seconds))]);
    let [later, sooner] = beside_one_that_fails("back-first", waits);
    assert!(later.is_empty());
    assert!(longest_gap(&sooner, 20 * SECOND) < 3 * SECOND, "{sooner:?}");
}

#[test]
fn one_that_can_be_connected_to_and_answers_nothing_holds_nothing_back() {
    let outage = (Duration::ZERO, 200 * SECOND, Fault::Hangs);
    let [hangs, well] = beside_one_that_fails("hangs", [vec![outage], Vec::new()]);
    assert!(hangs.is_empty());
    // Until it has failed three times.
    assert!(longest_gap(&well, 45 * SECOND) < 2 * SECOND, "{well:?}");
}
