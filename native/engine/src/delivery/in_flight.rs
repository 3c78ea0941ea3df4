//! [`InFlight`]: the requests of a lane that are under way, in the order in which they were taken.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use crate::delivery::traffic::{RequestState, Role, Traffic};
use crate::process::ticket::Notice;

type Future<'f> = Pin<Box<dyn std::future::Future<Output = Vec<Notice>> + Send + 'f>>;

/// Requests at most that wait for one of several endpoints and let others pass.
const MOST_HELD: usize = 16;

struct Slot<'f> {
    /// The number of its first frame.
    start: u64,
    state: Arc<RequestState>,
    delivery: Future<'f>,
}

/// What is done with.
#[derive(Debug, Eq, PartialEq)]
pub enum Done {
    /// So many frames from the first on.
    First(u64),
    /// These, behind others that are under way.
    Between(Range<u64>),
}

/// Requests under way. They end in any order; what is done is told from the oldest on.
#[derive(Default)]
pub struct InFlight<'f> {
    traffic: Arc<Traffic>,
    /// The number of the frame after the last of each, and itself unless it has ended.
    all: VecDeque<(u64, Option<Slot<'f>>)>,
    /// That of the last one that was added.
    end: u64,
    /// Room for the order in which they are let on.
    turns: Vec<(u64, usize)>,
}

impl<'f> InFlight<'f> {
    /// What they know of each other.
    pub fn traffic(&self) -> &Arc<Traffic> {
        &self.traffic
    }

    /// One more, of the frames up to `end`.
    pub fn add(
        &mut self,
        end: u64,
        state: Arc<RequestState>,
        delivery: impl std::future::Future<Output = Vec<Notice>> + Send + 'f,
    ) {
        let delivery = Box::pin(delivery);
        let start = std::mem::replace(&mut self.end, end);
        self.all.push_back((end, Some(Slot { start, state, delivery })));
    }

    /// Nothing was to be sent of the frames up to `end`.
    pub fn add_ended(&mut self, end: u64) {
        self.add(end, RequestState::new(&self.traffic, 0), std::future::ready(Vec::new()));
    }

    /// Whether none is under way.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// How many are in flight that are not aside.
    pub fn moving(&self) -> usize {
        let slots = self.all.iter().filter_map(|(_, slot)| slot.as_ref());
        slots.filter(|slot| slot.state.role() != Role::Aside).count()
    }

    /// How many of these wait for endpoints that may not be tried now, while others may. So many more may be under way, within a bound.
    pub fn held(&self) -> usize {
        let slots = self.all.iter().filter_map(|(_, slot)| slot.as_ref());
        let held = slots.filter(|slot| slot.state.is_held() && slot.state.role() != Role::Aside);
        held.count().min(MOST_HELD)
    }

    /// Waits until one ends, or its role changes: what people must hear of it, and what is done with. The oldest is the first to be let on;
    /// where they take turns, the one that was tried longest ago.
    pub async fn next(&mut self) -> (Vec<Notice>, Option<Done>) {
        let (told, ended) = poll_fn(|task| {
            self.turns.clear();
            self.turns.extend((0..self.all.len()).map(|index| (0, index)));
            if self.traffic.takes_turns() {
                for (tried, index) in &mut self.turns {
                    *tried = self.all[*index].1.as_ref().map_or(0, |slot| slot.state.tried());
                }
                self.turns.sort_unstable();
            }
            for &(_, index) in &self.turns {
                if let Some(slot) = &mut self.all[index].1
                    && let Poll::Ready(told) = slot.delivery.as_mut().poll(task)
                {
                    let frames = slot.start..self.all[index].0;
                    self.all[index].1 = None;
                    self.forget_between(index);
                    return Poll::Ready((told, Some(frames)));
                }
            }
            if self.traffic.take_changed() {
                return Poll::Ready((Vec::new(), None));
            }
            Poll::Pending
        })
        .await;
        let mut done = None;
        while let Some(&(end, None)) = self.all.front() {
            done = Some(Done::First(end));
            self.all.pop_front();
        }
        (told, done.or(ended.map(Done::Between)))
    }

    /// Of several that have ended one behind the other the last says it all: one that waits for long has many behind it.
    fn forget_between(&mut self, index: usize) {
        if self.all.get(index + 1).is_some_and(|(_, next)| next.is_none()) {
            self.all.remove(index);
        }
        if index > 0 && self.all[index - 1].1.is_none() {
            self.all.remove(index - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::sleep;

    use super::*;
    use crate::testing::paused;

    #[test]
    fn they_end_in_any_order_and_are_done_with_in_theirs() {
        paused(async {
            let mut in_flight = InFlight::default();
            for (end, seconds) in [(10, 3), (20, 1), (30, 2), (40, 9)] {
                let state = RequestState::new(in_flight.traffic(), 0);
                in_flight.add(end, state, async move {
                    sleep(Duration::from_secs(seconds)).await;
                    Vec::new()
                });
            }
            let expected = [
                (3, Done::Between(10..20)),
                (2, Done::Between(20..30)),
                (1, Done::First(30)),
                (0, Done::First(40)),
            ];
            for (under_way, done) in expected {
                assert_eq!(in_flight.next().await.1, Some(done));
                assert_eq!(in_flight.moving(), under_way);
            }
            assert!(in_flight.is_empty());
        });
    }

    #[test]
    fn many_behind_one_that_waits_take_no_room() {
        paused(async {
            let mut in_flight = InFlight::default();
            let state = RequestState::new(in_flight.traffic(), 0);
            in_flight.add(1, state, async {
                sleep(Duration::from_secs(99)).await;
                Vec::new()
            });
            for end in 2..100 {
                in_flight.add_ended(end);
                assert_eq!(in_flight.next().await.1, Some(Done::Between(end - 1..end)));
                assert_eq!(in_flight.all.len(), 2);
            }
            assert_eq!(in_flight.next().await.1, Some(Done::First(99)));
            assert!(in_flight.is_empty());
        });
    }
}
