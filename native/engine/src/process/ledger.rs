//! [`Ledger`]: what became of the requests that a client is driven with, for metrics, until somebody takes it.

use std::collections::VecDeque;
use std::time::Duration;

use crate::process::account::DropReason;

/// Durations kept at most, if nobody takes them; then the oldest go. The items are counted all the same.
const MOST: usize = 1 << 14;

/// Of one client, since it was taken last.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Items of requests that were begun.
    pub begun: u64,
    /// Items that the destination took.
    pub exported: u64,
    /// Items that were under way and are lost, by reason.
    pub lost: Vec<(DropReason, u64)>,
    /// Requests that have ended.
    pub ended: VecDeque<Ended>,
}

/// A request that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// From when it was begun, waits included.
    pub duration: Duration,
    /// Why its first items were lost; `None` if all of it was taken.
    pub lost: Option<DropReason>,
}

impl Ledger {
    /// So many items are under way.
    pub fn begin(&mut self, items: u64) {
        self.begun += items;
    }

    /// The destination has taken so many.
    pub fn taken(&mut self, items: u64) {
        self.exported += items;
    }

    /// So many are lost.
    pub fn lose(&mut self, items: u64, reason: DropReason) {
        if items == 0 {
            return;
        }
        match self.lost.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, sum)) => *sum += items,
            None => self.lost.push((reason, items)),
        }
    }

    /// A request has ended.
    pub fn end(&mut self, ended: Ended) {
        if self.ended.len() == MOST {
            self.ended.pop_front();
        }
        self.ended.push_back(ended);
    }

    /// A request that was lost before it was under way.
    pub fn lost_at_once(&mut self, items: u64, reason: DropReason) {
        self.begin(items);
        self.lose(items, reason);
        self.end(Ended {
            duration: Duration::ZERO,
            lost: Some(reason),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_durations_go_and_no_span() {
        let mut ledger = Ledger::default();
        for _ in 0..=MOST {
            ledger.lost_at_once(2, DropReason::Shutdown);
        }
        ledger.lose(0, DropReason::Timeout);
        let items = 2 * (MOST as u64 + 1);
        assert_eq!(
            (ledger.begun, &ledger.lost[..]),
            (items, &[(DropReason::Shutdown, items)][..])
        );
        assert_eq!(ledger.ended.len(), MOST);
    }
}
