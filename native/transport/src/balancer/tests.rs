use spanwire_wire::Signal;
use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use fastrand::Rng;
use tokio::time::sleep;

use super::*;
use spanwire_net::breaker::Health;

const SECOND: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(10);

fn paused<F: Future>(test: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("runtime")
        .block_on(test)
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Refuses,
    Hangs,
    Throttles,
    /// Has a certificate that is wrong.
    Expired,
    /// Takes the request and loses the answer.
    Loses,
}

/// A destination that fails at certain times.
struct Backend {
    number: usize,
    start: Instant,
    latency: Duration,
    outages: Vec<(Duration, Duration, Fault)>,
    world: Arc<World>,
}

#[derive(Default)]
struct World {
    /// What came, by the body's number: at which backends.
    seen: Mutex<BTreeMap<u32, Vec<usize>>>,
    /// Of these the answer was lost.
    unsure: Mutex<BTreeSet<u32>>,
    /// Who was asked by a connection alone, and when.
    checks: Mutex<Vec<(usize, Instant)>>,
}

impl World {
    fn seen(&self) -> MutexGuard<'_, BTreeMap<u32, Vec<usize>>> {
        self.seen.lock().expect("unpoisoned")
    }

    fn checks(&self) -> Vec<(usize, Instant)> {
        self.checks.lock().expect("unpoisoned").clone()
    }

    fn at(&self, number: u32) -> Vec<usize> {
        self.seen().get(&number).cloned().unwrap_or_default()
    }
}

impl Backend {
    fn new(number: usize, world: &Arc<World>) -> Self {
        Self {
            number,
            start: Instant::now(),
            latency: Duration::from_millis(10),
            outages: Vec::new(),
            world: Arc::clone(world),
        }
    }

    fn fails(mut self, from: u64, to: u64, fault: Fault) -> Self {
        let seconds = |at| SECOND * u32::try_from(at).expect("short");
        self.outages.push((seconds(from), seconds(to), fault));
        self
    }

    fn fault(&self) -> Option<Fault> {
        let now = self.start.elapsed();
        let outage = self.outages.iter().find(|(from, to, _)| (*from..*to).contains(&now));
        outage.map(|&(_, _, fault)| fault)
    }
}

fn expired() -> SendError {
    let error = spanwire_net::ConnectionError::Tls {
        message: "expired".into(),
        is_final: true,
    };
    error.into()
}

impl Destination for Backend {
    async fn attempt(&self, request: &Request, _: Instant, _: &Tally) -> Result<Accepted, SendError> {
        sleep(self.latency).await;
        let fault = self.fault();
        match fault {
            Some(Fault::Refuses) => return Err(SendError::Lost("refused".into())),
            Some(Fault::Hangs) => std::future::pending().await,
            Some(Fault::Expired) => return Err(expired()),
            Some(Fault::Throttles) => {
                return Err(SendError::Status {
                    code: 429,
                    message: String::new(),
                    retry_after: Some(3 * SECOND),
                });
            }
            Some(Fault::Loses) | None => {}
        }
        let number = u32::from_le_bytes(request.body[..4].try_into().expect("a number"));
        self.world.seen().entry(number).or_default().push(self.number);
        if fault == Some(Fault::Loses) {
            self.world.unsure.lock().expect("unpoisoned").insert(number);
            return Err(SendError::Lost("after it was taken".into()));
        }
        Ok(Accepted::default())
    }

    async fn check(&self, _: Instant) -> Result<(), SendError> {
        self.world
            .checks
            .lock()
            .expect("unpoisoned")
            .push((self.number, Instant::now()));
        match self.fault() {
            Some(Fault::Refuses) => Err(SendError::Lost("refused".into())),
            Some(Fault::Hangs) => std::future::pending().await,
            Some(Fault::Expired) => Err(expired()),
            _ => Ok(()),
        }
    }
}

async fn send(balancer: &Balancer<Backend>, number: u32) -> Result<Accepted, SendError> {
    let request = Request {
        signal: Signal::Traces,
        body: Bytes::copy_from_slice(&number.to_le_bytes()),
        items: 1,
    };
    let deadline = Instant::now() + TIMEOUT;
    timeout_at(deadline, balancer.attempt(&request, deadline, &Tally::default()))
        .await
        .unwrap_or(Err(SendError::TimedOut))
}

#[test]
fn round_robin_gives_each_its_turn() {
    paused(async {
        let world = Arc::default();
        let balancer = Balancer::new((0..3).map(|number| Backend::new(number, &world)), Strategy::RoundRobin);
        for number in 0..6 {
            assert_eq!(send(&balancer, number).await.expect("well"), Accepted::default());
            assert_eq!(world.at(number), [number as usize % 3]);
        }
    });
}

#[test]
fn failover_goes_on_to_the_next_at_once_and_returns_to_the_first_when_it_is_well() {
    paused(async {
        let world = Arc::default();
        let first = Backend::new(0, &world).fails(10, 60, Fault::Refuses);
        let balancer = Balancer::new([first, Backend::new(1, &world)], Strategy::Failover);
        for number in 0..100 {
            let start = Instant::now();
            send(&balancer, number).await.expect("one of them is well");
            assert!(start.elapsed() < SECOND);
            let now = balancer.members[0].destination.start.elapsed();
            let at = world.at(number);
            match now.as_secs() {
                0..10 | 66.. => assert_eq!(at, [0], "at {now:?}"),
                10..60 => assert_eq!(at, [1], "at {now:?}"),
                _ => {}
            }
            sleep(SECOND).await;
        }
        assert!(world.checks().len() > 3);
    });
}

#[test]
fn one_that_hangs_leaves_time_to_the_next() {
    paused(async {
        let world = Arc::default();
        let first = Backend::new(0, &world).fails(0, 3600, Fault::Hangs);
        let balancer = Balancer::new([first, Backend::new(1, &world)], Strategy::Failover);
        for number in 0..20 {
            send(&balancer, number).await.expect("the second is well");
            assert_eq!(world.at(number), [1]);
        }
        assert_eq!(
            balancer
                .members()
                .map(|(_, breaker)| breaker.health())
                .collect::<Vec<_>>(),
            [Health::Closed; 2]
        );
        for number in 20..200 {
            send(&balancer, number).await.expect("the second is well");
            sleep(SECOND).await;
        }
        assert_eq!(balancer.members[0].breaker.health(), Health::Open);
    });
}

/// A paused clock stands still between two looks at it; the real one does not.
#[test]
fn one_that_hangs_leaves_time_to_the_next_by_the_real_clock() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("runtime").block_on(async {
        for strategy in [Strategy::Failover, Strategy::RoundRobin, Strategy::LeastLoaded] {
            let world = Arc::default();
            let first = Backend::new(0, &world).fails(0, 3600, Fault::Hangs);
            let balancer = Balancer::new([first, Backend::new(1, &world)], strategy);
            let request = Request {
                signal: Signal::Traces,
                body: Bytes::from_static(&[7, 0, 0, 0]),
                items: 1,
            };
            let deadline = Instant::now() + SECOND;
            let answer = balancer.attempt(&request, deadline, &Tally::default()).await;
            assert_eq!(answer.expect("the second is well"), Accepted::default());
            assert_eq!(world.at(7), [1]);
        }
    });
}

#[test]
fn the_least_loaded_is_asked_first() {
    paused(async {
        let world = Arc::default();
        let mut slow = Backend::new(0, &world);
        slow.latency = 2 * SECOND;
        let balancer = Arc::new(Balancer::new(
            [slow, Backend::new(1, &world), Backend::new(2, &world)],
            Strategy::LeastLoaded,
        ));
        let tasks: Vec<_> = (0..300)
            .map(|number| {
                let balancer = Arc::clone(&balancer);
                tokio::spawn(async move {
                    sleep(Duration::from_millis(20) * number).await;
                    send(&balancer, number).await.expect("well");
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("no panic");
        }
        let slow = world.seen().values().filter(|at| at[..] == [0]).count();
        assert!((1..=10).contains(&slow), "{slow}");
    });
}

#[test]
fn what_is_final_is_not_tried_elsewhere() {
    struct Refuses;
    impl Destination for Refuses {
        async fn attempt(&self, _: &Request, _: Instant, tally: &Tally) -> Result<Accepted, SendError> {
            tally.request(1);
            Err(SendError::Status {
                code: 400,
                message: "no".into(),
                retry_after: None,
            })
        }
    }
    paused(async {
        let balancer = Balancer::new([Refuses, Refuses], Strategy::RoundRobin);
        let tally = Tally::default();
        let request = Request {
            signal: Signal::Traces,
            body: Bytes::new(),
            items: 1,
        };
        let answer = balancer.attempt(&request, Instant::now() + TIMEOUT, &tally).await;
        assert!(matches!(answer, Err(SendError::Status { code: 400, .. })));
        assert_eq!(tally.requests(), 1);
    });
}

#[test]
fn when_none_is_well_it_says_when_to_come_back() {
    for seed in 0..200 {
        fastrand::seed(seed);
        paused(none_is_well());
    }
}

async fn none_is_well() {
    let world = Arc::default();
    let away = |number| Backend::new(number, &world).fails(0, 3600, Fault::Throttles);
    let balancer = Balancer::new([away(0), away(1)], Strategy::RoundRobin);
    // The second is asked after the first has said when.
    let latency = balancer.members[1].destination.latency;
    let error = send(&balancer, 0).await.expect_err("both throttle");
    let hint = error.hint().expect("both have said when");
    assert!(
        error.is_retryable() && hint + latency >= 3 * SECOND && hint <= 4 * SECOND,
        "{hint:?}"
    );
    assert!(error.to_string().ends_with(": status 429"), "{error}");
    let error = send(&balancer, 1).await.expect_err("neither may be asked");
    assert!(matches!(error, SendError::NoneWell { .. }) && error.is_retryable());
    let hint = error.hint().expect("both have said when");
    assert!(hint > 2 * SECOND && hint <= 4 * SECOND, "{hint:?}");
    assert!(world.seen().is_empty());
}

#[test]
fn who_is_being_asked_may_be_back_before_the_others() {
    paused(async {
        let world = Arc::default();
        let balancer = Balancer::new([0, 1].map(|number| Backend::new(number, &world)), Strategy::Failover);
        let [probed, waits] = [0, 1].map(|number| &balancer.members[number].breaker);
        for _ in 0..Breaker::THRESHOLD {
            probed.try_admit().expect("no wait").failed(Some(Duration::ZERO));
            sleep(5 * SECOND).await;
        }
        waits.try_admit().expect("closed").failed(Some(300 * SECOND));
        let _probe = probed.try_admit().expect("its wait is over");
        let hint = send(&balancer, 0).await.expect_err("neither may be asked").hint();
        assert_eq!(hint, Some(CHECK));
    });
}

#[test]
fn the_soonest_time_of_any_is_named_whatever_the_last_error_was() {
    paused(async {
        let world = Arc::default();
        let lost = Backend::new(0, &world).fails(0, 3600, Fault::Refuses);
        let throttles = Backend::new(1, &world).fails(0, 3600, Fault::Throttles);
        let balancer = Balancer::new([lost, throttles], Strategy::Failover);
        for number in 0..20 {
            let error = send(&balancer, number).await.expect_err("neither is well");
            let hint = error.hint().expect("nobody else asks");
            assert!(hint <= 5 * SECOND, "{hint:?}");
            let next = balancer.members.iter().filter_map(|member| member.breaker.next()).min();
            assert_eq!(Some(Instant::now() + hint), next.map(|next| next.max(Instant::now())));
            sleep(hint).await;
            assert!(balancer.members.iter().any(|member| member.breaker.try_admit().is_ok()));
        }
    });
}

#[test]
fn who_may_not_be_asked_has_no_share_of_the_time() {
    paused(async {
        let world = Arc::default();
        let away = |number| Backend::new(number, &world).fails(0, 3600, Fault::Throttles);
        let mut slow = Backend::new(0, &world);
        slow.latency = 9 * SECOND;
        let balancer = Balancer::new([slow, away(1), away(2), away(3)], Strategy::Failover);
        for member in &balancer.members[1..] {
            member.breaker.try_admit().expect("closed").failed(Some(60 * SECOND));
        }
        send(&balancer, 0).await.expect("it had nearly all of the time");
        assert_eq!(world.at(0), [0]);
    });
}

#[test]
fn a_wrong_certificate_of_one_is_no_answer() {
    paused(async {
        let world = Arc::default();
        let first = Backend::new(0, &world).fails(0, 60, Fault::Expired);
        let balancer = Balancer::new([first, Backend::new(1, &world)], Strategy::Failover);
        for number in 0..20 {
            send(&balancer, number).await.expect("the second is well");
            assert_eq!(world.at(number), [1]);
            sleep(SECOND).await;
        }
        assert_eq!(balancer.members[0].breaker.health(), Health::Open);
        let alone = Balancer::new(
            [Backend::new(0, &world).fails(0, 9, Fault::Expired)],
            Strategy::Failover,
        );
        let error = send(&alone, 99).await.expect_err("none is well");
        assert!(error.is_retryable(), "{error}");
        sleep(10 * SECOND).await;
        send(&alone, 99).await.expect("it was renewed");
    });
}

#[test]
fn who_is_out_is_asked_by_connections_until_it_is_back_and_who_is_well_is_not() {
    for seed in 0..200 {
        fastrand::seed(seed);
        paused(async {
            let world = Arc::default();
            let first = Backend::new(0, &world).fails(0, 100, Fault::Hangs);
            let balancer = Balancer::new([first, Backend::new(1, &world)], Strategy::Failover);
            balancer.watch();
            let mut number = 0;
            while balancer.members[0].breaker.health() != Health::Open {
                send(&balancer, number).await.expect("the second is well");
                number += 1;
                sleep(SECOND).await;
            }
            // Without a request.
            sleep(70 * SECOND).await;
            let checks = world.checks();
            assert!(
                checks.len() > 8 && checks.iter().all(|&(who, _)| who == 0),
                "{checks:?}"
            );
            let gaps = checks.windows(2).map(|pair| pair[1].1 - pair[0].1);
            for gap in gaps {
                assert!(gap >= CHECK && gap <= CHECK + 5 * SECOND, "{gap:?}");
            }
            while balancer.members[0].destination.start.elapsed() < 120 * SECOND {
                sleep(SECOND).await;
            }
            assert_eq!(balancer.members[0].breaker.health(), Health::HalfOpen);
            let asked = world.checks().len();
            sleep(3600 * SECOND).await;
            assert_eq!(world.checks().len(), asked);
            send(&balancer, 1000).await.expect("well");
            assert_eq!(world.at(1000), [0]);
            assert_eq!(balancer.members[0].breaker.health(), Health::Closed);
        });
    }
}

#[test]
fn nobody_is_asked_after_the_end() {
    paused(async {
        let world = Arc::default();
        for ends_by_close in [true, false] {
            let balancer = Balancer::new(
                [Backend::new(0, &world).fails(0, 900, Fault::Refuses)],
                Strategy::Failover,
            );
            balancer.watch();
            for number in 0..20 {
                send(&balancer, number).await.expect_err("it refuses");
                sleep(5 * SECOND).await;
            }
            let before = world.checks().len();
            sleep(60 * SECOND).await;
            let asked = world.checks().len();
            assert!(asked > before + 5);
            let kept = ends_by_close.then_some(balancer);
            if let Some(balancer) = &kept {
                balancer.close();
            }
            sleep(60 * SECOND).await;
            assert_eq!(world.checks().len(), asked);
        }
    });
}

/// Requests beside each other at destinations of which everything was drawn.
fn simulate(seed: u64) {
    fastrand::seed(seed); // the waits'
    let mut rng = Rng::with_seed(seed);
    let strategy = [Strategy::RoundRobin, Strategy::Failover, Strategy::LeastLoaded][rng.usize(0..3)];
    paused(async {
        let world = Arc::<World>::default();
        let backends: Vec<_> = (0..rng.usize(1..5))
            .map(|number| {
                let mut backend = Backend::new(number, &world);
                backend.latency = Duration::from_millis(rng.u64(0..300));
                for _ in 0..rng.u32(0..3) {
                    let from = rng.u64(0..60);
                    let faults = [
                        Fault::Refuses,
                        Fault::Hangs,
                        Fault::Throttles,
                        Fault::Expired,
                        Fault::Loses,
                    ];
                    backend = backend.fails(from, from + rng.u64(0..60), faults[rng.usize(0..faults.len())]);
                }
                backend
            })
            .collect();
        let is_one_always_well = backends.iter().any(|backend| backend.outages.is_empty());
        let balancer = Arc::new(Balancer::new(backends, strategy));
        if rng.bool() {
            balancer.watch();
        }
        let tasks: Vec<_> = (0..rng.u32(1..150))
            .map(|number| {
                let (balancer, begin) = (Arc::clone(&balancer), Duration::from_millis(rng.u64(0..120_000)));
                tokio::spawn(async move {
                    sleep(begin).await;
                    for tries in 1.. {
                        match send(&balancer, number).await {
                            Ok(_) => return tries,
                            Err(error) => sleep(error.hint().unwrap_or(SECOND)).await,
                        }
                    }
                    unreachable!("it goes on for ever");
                })
            })
            .collect();
        let count = tasks.len();
        for task in tasks {
            let tries = tokio::time::timeout(600 * SECOND, task)
                .await
                .expect("progress")
                .expect("no panic");
            assert!(!is_one_always_well || tries == 1, "{tries} tries");
        }
        let (came, unsure) = (world.seen(), world.unsure.lock().expect("unpoisoned"));
        assert_eq!(came.len(), count);
        assert!(came.iter().all(|(number, at)| at.len() == 1 || unsure.contains(number)));
        for member in &balancer.members {
            assert_eq!(member.under_way.load(Ordering::Relaxed), 0);
        }
    });
}

#[test]
fn whatever_breaks_each_request_arrives_once_and_while_one_is_well_at_once() {
    let seeds = std::env::var("SIMULATED_SEEDS").map_or(1000, |seeds| seeds.parse().expect("a number"));
    for seed in 0..seeds {
        if let Err(panic) = std::panic::catch_unwind(|| simulate(seed)) {
            eprintln!("seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}
