//! [`Progress`]: whether a destination takes anything.

use std::time::Duration;

use tokio::time::Instant;

/// When a client's destination took a request last, and how long that request was under way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    at: Option<Instant>,
    took: Duration,
}

impl Progress {
    /// A request was taken now, which took so long.
    pub fn note(&mut self, took: Duration) {
        self.at = Some(Instant::now());
        self.took = took;
    }

    /// When the destination counts as one that takes nothing, if it does not take a request before: so long after the last one that it took
    /// since `start`, or twice as long as that one was under way. A slow backend is not a dead one.
    pub fn stalls_at(&self, start: Instant, patience: Duration) -> Instant {
        self.at.map_or(start, |at| at.max(start)) + patience.max(self.took * 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_backend_has_more_time_than_one_that_takes_nothing() {
        crate::testing::paused(async {
            let (start, five) = (Instant::now(), Duration::from_secs(5));
            let mut progress = Progress::default();
            assert_eq!(progress.stalls_at(start, five), start + five);
            tokio::time::sleep(Duration::from_secs(8)).await;
            progress.note(Duration::from_secs(8));
            assert_eq!(progress.stalls_at(start, five), start + Duration::from_secs(24));
            let later = Instant::now() + Duration::from_secs(60);
            progress.note(Duration::from_secs(1));
            assert_eq!(progress.stalls_at(later, five), later + five);
        });
    }
}
