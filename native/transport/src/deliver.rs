//! Tries a destination until the request is accepted, refused, out of time or interrupted.

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use crate::destination::{Accepted, Destination, Request};
use crate::error::SendError;
use spanwire_net::Tally;
use spanwire_net::race::{Either, race};
use spanwire_net::retry::RetryPolicy;

/// How a destination's owner interrupts what is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// Not at all.
    No,
    /// Back-offs end at once; a try under way may finish until this time.
    By(Instant),
}

/// A request that was not delivered, and why.
#[derive(Debug)]
pub struct GaveUp {
    /// The last error.
    pub error: SendError,
    /// What ended it.
    pub cause: Cause,
}

/// Why no further try was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The error can't be helped by trying again.
    Final,
    /// All tries are used up, or the next would come after the deadline.
    Exhausted,
    /// The owner closed the destination.
    Interrupted,
    /// The deadline passed during a try.
    TimedOut,
}

/// Delivers `request` by `deadline`, which covers all tries and the waits between them.
pub async fn deliver<D: Destination + Sync>(
    destination: &D,
    request: &Request,
    deadline: Instant,
    policy: RetryPolicy,
    closing: &mut watch::Receiver<Closing>,
    tally: &Tally,
) -> Result<Accepted, GaveUp> {
    let mut failed = 0;
    let mut last: Option<SendError> = None;
    loop {
        let GaveUp { error, cause } = match attempt(destination, request, deadline, closing, tally).await {
            Ok(accepted) => return Ok(accepted),
            Err(gave_up) => gave_up,
        };
        match cause {
            Cause::Final => return Err(GaveUp { error, cause }),
            // What the tries before met says more than the deadline.
            Cause::Interrupted | Cause::TimedOut => {
                return Err(GaveUp {
                    error: last.unwrap_or(error),
                    cause,
                });
            }
            Cause::Exhausted => {}
        }
        // Several endpoints have waits of their own, by which none of them is asked too often.
        if failed == 0 || !matches!(error, SendError::NoneWell { .. }) {
            failed += 1;
        }
        let remaining = deadline.saturating_duration_since(Instant::now());
        let Some(delay) = policy.delay(failed, error.hint(), remaining, fastrand::f64()) else {
            return Err(GaveUp { error, cause });
        };
        if let Either::Second(()) = race(sleep(delay), closing_begins(closing)).await {
            return Err(GaveUp {
                error,
                cause: Cause::Interrupted,
            });
        }
        tally.retry();
        last = Some(error);
    }
}

/// Tries once, until `deadline`. [`Cause::Exhausted`] means that the same bytes may be tried again.
pub async fn attempt<D: Destination + Sync>(
    destination: &D,
    request: &Request,
    deadline: Instant,
    closing: &mut watch::Receiver<Closing>,
    tally: &Tally,
) -> Result<Accepted, GaveUp> {
    let attempt = timeout_at(deadline, destination.attempt(request, deadline, tally));
    let (error, cause) = match race(attempt, closed_for_good(closing)).await {
        Either::First(Ok(Ok(accepted))) => return Ok(accepted),
        Either::First(Ok(Err(error))) if error.is_retryable() => (error, Cause::Exhausted),
        Either::First(Ok(Err(error))) => (error, Cause::Final),
        Either::First(Err(_)) => (SendError::TimedOut, Cause::TimedOut),
        Either::Second(()) => (SendError::Shutdown, Cause::Interrupted),
    };
    Err(GaveUp { error, cause })
}

/// Ends when the destination is closing: from then on no try begins.
pub async fn closing_begins(closing: &mut watch::Receiver<Closing>) {
    // An error from the channel means that the owner is gone: the same as closing.
    let _ = closing.wait_for(|closing| *closing != Closing::No).await;
}

/// Ends when the time that closing leaves to a try under way is over.
pub async fn closed_for_good(closing: &mut watch::Receiver<Closing>) {
    loop {
        let state = *closing.borrow_and_update();
        let changed = match state {
            Closing::No => closing.changed().await,
            Closing::By(time) => match timeout_at(time, closing.changed()).await {
                Ok(changed) => changed,
                Err(_) => return,
            },
        };
        if changed.is_err() {
            return; // the owner is gone
        }
    }
}

#[cfg(test)]
mod tests {
    use spanwire_wire::Signal;

    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;

    /// Answers from a script, then with success.
    struct Script(Mutex<Vec<SendError>>);

    impl Destination for Script {
        async fn attempt(&self, request: &Request, _: Instant, tally: &Tally) -> Result<Accepted, SendError> {
            tally.request(request.body.len());
            self.0
                .lock()
                .expect("unpoisoned")
                .pop()
                .map_or_else(|| Ok(Accepted::default()), Err)
        }
    }

    /// Never answers.
    struct Silent;

    impl Destination for Silent {
        async fn attempt(&self, _: &Request, _: Instant, _: &Tally) -> Result<Accepted, SendError> {
            std::future::pending().await
        }
    }

    fn status(code: u16, after: Option<u64>) -> SendError {
        SendError::Status {
            code,
            message: String::new(),
            retry_after: after.map(Duration::from_millis),
        }
    }

    /// Runs on tokio's paused clock: waits take no real time, and elapsed time is exact.
    fn run<D: Destination + Sync>(
        destination: &D,
        timeout_ms: u64,
        close_ms: Option<(u64, u64)>,
    ) -> (Result<Accepted, Cause>, u64, Tally) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("runtime");
        runtime.block_on(async {
            let (sender, mut closing) = watch::channel(Closing::No);
            let start = Instant::now();
            let tally = Tally::default();
            let request = Request {
                signal: Signal::Traces,
                body: bytes::Bytes::from_static(b"body"),
                items: 1,
            };
            let close = async {
                if let Some((at, grace)) = close_ms {
                    sleep(Duration::from_millis(at)).await;
                    sender.send_replace(Closing::By(Instant::now() + Duration::from_millis(grace)));
                }
                std::future::pending::<()>().await;
            };
            let deadline = start + Duration::from_millis(timeout_ms);
            let deliver = deliver(
                destination,
                &request,
                deadline,
                RetryPolicy::default(),
                &mut closing,
                &tally,
            );
            let Either::First(result) = race(deliver, close).await else {
                unreachable!("close never ends")
            };
            let elapsed = u64::try_from(start.elapsed().as_millis()).expect("short");
            (result.map_err(|gave_up| gave_up.cause), elapsed, tally)
        })
    }

    fn script(mut errors: Vec<SendError>) -> Script {
        errors.reverse();
        Script(Mutex::new(errors))
    }

    #[test]
    fn retryable_failures_are_tried_again_after_the_hint() {
        let (result, elapsed, tally) = run(
            &script(vec![status(503, Some(300)), status(429, Some(500))]),
            10_000,
            None,
        );
        assert_eq!(result, Ok(Accepted::default()));
        assert!((800..=820).contains(&elapsed), "{elapsed}");
        assert_eq!((tally.requests(), tally.retries(), tally.bytes()), (3, 2, 12));
    }

    #[test]
    fn a_final_failure_is_not_tried_again() {
        let (result, elapsed, tally) = run(&script(vec![status(400, Some(1))]), 10_000, None);
        assert_eq!((result, elapsed, tally.requests()), (Err(Cause::Final), 0, 1));
    }

    #[test]
    fn a_hint_past_the_deadline_ends_it_at_once() {
        let (result, elapsed, _) = run(&script(vec![status(503, Some(60_000))]), 10_000, None);
        assert_eq!((result, elapsed), (Err(Cause::Exhausted), 0));
    }

    #[test]
    fn six_tries_are_made_at_most() {
        let errors = (0..20).map(|_| status(503, Some(0))).collect();
        let (result, _, tally) = run(&script(errors), 10_000, None);
        assert_eq!(
            (result, tally.requests(), tally.retries()),
            (Err(Cause::Exhausted), 6, 5)
        );
    }

    #[test]
    fn the_deadline_covers_all_tries() {
        let (result, elapsed, _) = run(&Silent, 2_500, None);
        assert_eq!((result, elapsed), (Err(Cause::TimedOut), 2_500));
    }

    #[test]
    fn closing_ends_a_back_off_at_once() {
        let (result, elapsed, tally) = run(&script(vec![status(503, Some(9_000))]), 10_000, Some((700, 5_000)));
        assert_eq!((result, elapsed, tally.retries()), (Err(Cause::Interrupted), 700, 0));
    }

    #[test]
    fn closing_leaves_its_grace_to_a_try_under_way() {
        let (result, elapsed, _) = run(&Silent, 10_000, Some((700, 1_000)));
        assert_eq!((result, elapsed), (Err(Cause::Interrupted), 1_700));
    }
}
