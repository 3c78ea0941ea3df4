//! Misbehaviour that a test orders: what, for how many requests, in which order.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use spanwire_receiver::{Fault, Stage};

/// A fault, and what becomes of the request that meets it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Injected {
    /// How it is answered.
    pub fault: Fault,
    /// Whether it is kept and counted. By default as the answer says: if it is a success that arrives.
    pub keep: Option<bool>,
}

impl Injected {
    /// Whether the request counts as received.
    #[must_use]
    pub fn keeps(&self) -> bool {
        self.keep.unwrap_or_else(|| self.fault.accepts())
    }
}

/// The schedule: each arriving request takes the next step.
#[derive(Debug, Default)]
pub struct Faults(Mutex<VecDeque<Step>>);

#[derive(Debug)]
struct Step {
    injected: Option<Injected>,
    /// None is for ever.
    times: Option<u64>,
}

impl Step {
    fn is_for_connection(&self) -> bool {
        self.injected
            .as_ref()
            .is_some_and(|injected| injected.fault.stage == Stage::Connect)
    }
}

impl Faults {
    /// Adds a step at the end: this fault, or none, for so many requests, or for ever.
    pub fn push(&self, injected: Option<Injected>, times: Option<u64>) {
        if times != Some(0) {
            self.lock().push_back(Step { injected, times });
        }
    }

    /// What the next request meets. A step for a connection stays for the next one.
    pub fn next(&self) -> Option<Injected> {
        self.take(|step| !step.is_for_connection())
    }

    /// What a new connection meets.
    pub fn next_for_connection(&self) -> Option<Fault> {
        self.take(Step::is_for_connection).map(|injected| injected.fault)
    }

    fn take(&self, wanted: impl Fn(&Step) -> bool) -> Option<Injected> {
        let mut steps = self.lock();
        let step = steps.front_mut().filter(|step| wanted(step))?;
        let injected = step.injected.clone();
        if let Some(times) = &mut step.times {
            *times -= 1;
            if *times == 0 {
                steps.pop_front();
            }
        }
        injected
    }

    /// Requests that the schedule still covers; None when one of its steps has no end.
    #[must_use]
    pub fn pending(&self) -> Option<u64> {
        self.lock().iter().map(|step| step.times).sum()
    }

    /// Forgets the schedule.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Step>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use spanwire_receiver::Disconnect;

    use super::*;

    fn injected(fault: Fault) -> Injected {
        Injected { fault, keep: None }
    }

    fn status(status: u16) -> Injected {
        injected(Fault {
            status: Some(status),
            ..Fault::default()
        })
    }

    #[test]
    fn steps_are_taken_in_order_and_as_often_as_asked() {
        let faults = Faults::default();
        faults.push(Some(status(503)), Some(2));
        faults.push(None, Some(1));
        faults.push(Some(status(400)), Some(1));
        assert_eq!(faults.pending(), Some(4));
        let met: Vec<_> = (0..5)
            .map(|_| faults.next().and_then(|injected| injected.fault.status))
            .collect();
        assert_eq!(met, [Some(503), Some(503), None, Some(400), None]);
    }

    #[test]
    fn endless_step_lasts_until_cleared() {
        let faults = Faults::default();
        faults.push(Some(status(500)), None);
        assert_eq!(faults.pending(), None);
        assert!((0..100).all(|_| faults.next().is_some()));
        faults.clear();
        assert_eq!(faults.next(), None);
        assert_eq!(faults.pending(), Some(0));
    }

    #[test]
    fn step_for_a_connection_waits_for_one() {
        let faults = Faults::default();
        let connect = Fault {
            stage: Stage::Connect,
            disconnect: Some(Disconnect::Close),
            ..Fault::default()
        };
        faults.push(Some(injected(connect.clone())), Some(1));
        faults.push(Some(status(503)), Some(1));
        assert_eq!(faults.next(), None);
        assert_eq!(faults.next_for_connection(), Some(connect));
        assert_eq!(faults.next_for_connection(), None);
        assert_eq!(faults.next(), Some(status(503)));
    }

    #[test]
    fn request_is_kept_only_when_the_answer_says_so_or_the_test_does() {
        assert!(Injected::default().keeps());
        assert!(!status(503).keeps());
        let unavailable = injected(Fault {
            grpc_status: Some(14),
            ..Fault::default()
        });
        assert!(!unavailable.keeps());
        let lost_answer = injected(Fault {
            disconnect: Some(Disconnect::Reset),
            ..Fault::default()
        });
        assert!(!lost_answer.keeps());
        let keep = Some(true);
        assert!(Injected { keep, ..lost_answer }.keeps());
    }
}
