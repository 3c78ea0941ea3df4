//! [`Flights`]: the requests of a lane that are under way, in the order in which they were taken.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use crate::ticket::Told;

type Future<'f> = Pin<Box<dyn std::future::Future<Output = Vec<Told>> + Send + 'f>>;

/// Requests under way. They end in any order; what is done is told from the oldest on.
#[derive(Default)]
pub struct Flights<'f> {
    /// The number of the frame after the last of each, and itself unless it has ended.
    all: VecDeque<(u64, Option<Future<'f>>)>,
}

impl<'f> Flights<'f> {
    /// One more, of the frames up to `end`.
    pub fn add(&mut self, end: u64, flight: impl std::future::Future<Output = Vec<Told>> + Send + 'f) {
        self.all.push_back((end, Some(Box::pin(flight))));
    }

    /// Whether none is under way.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// How many are under way.
    pub fn len(&self) -> usize {
        self.all.iter().filter(|(_, flight)| flight.is_some()).count()
    }

    /// Waits until one ends: what people must hear of it, and how many frames are done with, if they are more than before. The oldest is
    /// the first to be let on.
    pub async fn next(&mut self) -> (Vec<Told>, Option<u64>) {
        let told = poll_fn(|task| {
            for (_, slot) in &mut self.all {
                if let Some(flight) = slot
                    && let Poll::Ready(told) = flight.as_mut().poll(task)
                {
                    *slot = None;
                    return Poll::Ready(told);
                }
            }
            Poll::Pending
        })
        .await;
        let mut done = None;
        while let Some(&(end, None)) = self.all.front() {
            done = Some(end);
            self.all.pop_front();
        }
        (told, done)
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
            let mut flights = Flights::default();
            for (end, seconds) in [(10, 3), (20, 1), (30, 2), (40, 9)] {
                flights.add(end, async move {
                    sleep(Duration::from_secs(seconds)).await;
                    Vec::new()
                });
            }
            for (under_way, done) in [(3, None), (2, None), (1, Some(30)), (0, Some(40))] {
                assert_eq!(flights.next().await.1, done);
                assert_eq!(flights.len(), under_way);
            }
            assert!(flights.is_empty());
        });
    }
}
