use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::time::sleep;

use super::*;

/// On tokio's paused clock.
fn paused<F: Future>(test: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("runtime")
        .block_on(test)
}

fn fixed() -> Breaker {
    Breaker::new(3, Backoff::default())
}

const HINT: Option<Duration> = Some(Duration::from_secs(2));

#[test]
fn it_opens_after_failures_in_a_row_and_a_success_closes_it() {
    paused(async {
        let breaker = fixed();
        for seen in [Health::Closed, Health::Closed, Health::Open] {
            breaker.admit().await.failed(None);
            assert_eq!(breaker.health(), seen);
        }
        let probe = breaker.admit().await;
        assert!(probe.is_probe());
        assert_eq!(breaker.health(), Health::HalfOpen);
        assert_eq!(breaker.try_admit().err(), Some(NotNow::Probing));
        probe.failed(None);
        assert_eq!(breaker.health(), Health::Open);
        breaker.admit().await.succeeded();
        assert_eq!((breaker.health(), breaker.is_failing()), (Health::Closed, false));
        assert!(!breaker.admit().await.is_probe());
    });
}

#[test]
fn a_success_between_them_makes_failures_no_row() {
    paused(async {
        let breaker = fixed();
        for _ in 0..10 {
            breaker.admit().await.failed(None);
            breaker.admit().await.failed(None);
            breaker.admit().await.succeeded();
            assert_eq!(breaker.health(), Health::Closed);
        }
    });
}

#[test]
fn a_success_of_an_older_try_leaves_the_servers_wait() {
    paused(async {
        let breaker = fixed();
        let (older, throttled) = (breaker.admit().await, breaker.admit().await);
        throttled.failed(HINT);
        older.succeeded();
        assert_eq!(breaker.health(), Health::Closed);
        assert!(matches!(breaker.try_admit().err(), Some(NotNow::Until(_))));
    });
}

#[test]
fn nobody_tries_before_the_time_that_the_server_named() {
    paused(async {
        let breaker = fixed();
        let start = Instant::now();
        breaker.admit().await.failed(HINT);
        assert!(matches!(breaker.try_admit(), Err(NotNow::Until(_))));
        drop(breaker.admit().await);
        assert!(start.elapsed() >= Duration::from_secs(2));
        assert!(start.elapsed() < Duration::from_millis(2100));
    });
}

#[test]
fn failures_beside_each_other_make_one_wait() {
    paused(async {
        let breaker = Breaker::new(100, Backoff::new(Duration::from_secs(1), Duration::from_secs(1000)));
        let beside: Vec<_> = (0..20).map(|_| breaker.try_admit().expect("closed")).collect();
        for permit in beside {
            permit.failed(None);
        }
        let start = Instant::now();
        drop(breaker.admit().await);
        assert!(start.elapsed() <= Duration::from_secs(1));
    });
}

#[test]
fn one_probe_at_a_time_and_one_that_is_given_up_is_another_s() {
    paused(async {
        let breaker = Arc::new(fixed());
        for _ in 0..3 {
            breaker.admit().await.failed(None);
        }
        let (together, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let tasks: Vec<_> = (0..50)
            .map(|number| {
                let (breaker, together, most) = (Arc::clone(&breaker), Arc::clone(&together), Arc::clone(&most));
                tokio::spawn(async move {
                    let permit = breaker.admit().await;
                    if permit.is_probe() {
                        most.fetch_max(together.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    }
                    sleep(Duration::from_millis(10)).await;
                    if permit.is_probe() {
                        together.fetch_sub(1, Ordering::SeqCst);
                    }
                    match number {
                        0..20 => permit.failed(None),
                        20..40 => drop(permit),
                        _ => permit.succeeded(),
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("no panic");
        }
        assert_eq!(most.load(Ordering::SeqCst), 1);
        assert_eq!(breaker.health(), Health::Closed);
    });
}

#[test]
fn who_asks_for_a_long_wait_is_away_until_it_is_over() {
    paused(async {
        let breaker = Breaker::default();
        for (wait, is_long) in [(9, false), (11, true)] {
            breaker
                .try_admit()
                .expect("no wait")
                .failed(Some(Duration::from_secs(wait)));
            assert_eq!((breaker.is_away(), breaker.is_out()), (is_long, false));
            assert!(!breaker.may_try());
            sleep_until(breaker.next().expect("no probe")).await;
            assert!(!breaker.is_away() && breaker.may_try());
        }
    });
}
