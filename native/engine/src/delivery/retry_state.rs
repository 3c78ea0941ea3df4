//! [`RetryState`]: the failed tries of a request. They tell a destination that fails from a poison request, which fails while others are taken.

use std::time::Duration;

use tokio::time::Instant;

/// So many answers "later" in a row make a request suspect: others are tried in its place.
pub const SUSPECT: u32 = 8;
/// So many do where others were already found to fail for themselves.
const SUSPECT_AMONG_OTHERS: u32 = 2;
/// So often a request that cannot be cut fails while others are taken: with waits that double, that takes about five minutes.
const STRIKES: u32 = 11;
/// The same while many requests fail for themselves.
const STRIKES_IN_A_CROWD: u32 = 3;
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// After the end of a lane the waits are these.
const FIRST_HURRIED_WAIT: Duration = Duration::from_millis(250);
const LONGEST_HURRIED_WAIT: Duration = Duration::from_secs(1);

/// What one more failure says of the request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Nothing yet: the destination may fail.
    Unclear,
    /// It may be poison: another request should be tried.
    Suspect,
    /// Others were taken between this try and the one before.
    Poison,
}

/// How many poison requests a lane has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Crowd {
    None,
    Some,
    /// There is no room for one more.
    Full,
}

/// The tries of a request or of a part of one.
#[derive(Clone, Debug)]
pub struct RetryState {
    /// Answers "later" in a row.
    failures: u32,
    /// How many requests had been taken at the last of them.
    taken: u64,
    strikes: u32,
    wait: Duration,
    /// It is not tried before.
    due: Option<Instant>,
    /// The lane has ended, and it was tried since.
    is_hurried: bool,
}

impl Default for RetryState {
    fn default() -> Self {
        Self {
            failures: 0,
            taken: 0,
            strikes: 0,
            wait: FIRST_WAIT,
            due: None,
            is_hurried: false,
        }
    }
}

impl RetryState {
    /// The destination answered "later", after so many requests had been taken. Where there is no room for others that might be, what
    /// `may_be_cut` is, and a single item that was poison before is poison again.
    pub fn failed(&mut self, taken: u64, crowd: Crowd, may_be_cut: bool) -> Verdict {
        let suspect = if crowd == Crowd::None {
            SUSPECT
        } else {
            SUSPECT_AMONG_OTHERS
        };
        let was_suspect = self.failures >= suspect;
        let others_went = taken > std::mem::replace(&mut self.taken, taken);
        let others_went = others_went || (crowd == Crowd::Full && (may_be_cut || self.strikes > 0));
        self.failures = self.failures.saturating_add(1);
        match (was_suspect && others_went, self.failures >= suspect) {
            (true, _) => Verdict::Poison,
            (false, true) => Verdict::Suspect,
            (false, false) => Verdict::Unclear,
        }
    }

    /// It was not reached: that says nothing of the request.
    pub fn missed(&mut self) {
        self.failures = 0;
    }

    /// One more failure while others were taken; whether that is enough.
    pub fn strike(&mut self, is_crowded: bool) -> bool {
        self.strikes += 1;
        self.strikes >= if is_crowded { STRIKES_IN_A_CROWD } else { STRIKES }
    }

    /// It is tried again later, and not before the server's hint: each time after twice as long.
    pub fn put_off(&mut self, hint: Option<Duration>) {
        let wait = self.wait.max(hint.unwrap_or_default().min(LONGEST_WAIT));
        self.due = Some(Instant::now() + wait);
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
    }

    /// It has failed after the end of its lane: it is tried again soon, and not before the server's hint.
    pub fn hurry(&mut self, hint: Option<Duration>) {
        if !std::mem::replace(&mut self.is_hurried, true) {
            self.wait = FIRST_HURRIED_WAIT;
        }
        self.due = Some(Instant::now() + self.wait.max(hint.unwrap_or_default().min(LONGEST_WAIT)));
        self.wait = (self.wait * 2).min(LONGEST_HURRIED_WAIT);
    }

    /// When it is tried after the end of its lane; `None`: now.
    pub fn hurried_due(&self) -> Option<Instant> {
        self.due.filter(|_| self.is_hurried)
    }

    /// When it is tried; `None`: now.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// That of a part of it, which is as suspect as the whole was.
    pub fn of_part(&self) -> Self {
        Self {
            failures: self.failures,
            taken: self.taken,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_suspect_after_eight_answers_and_poison_when_others_are_taken_meanwhile() {
        let mut retry = RetryState::default();
        for taken in 1..8 {
            assert_eq!(retry.failed(taken, Crowd::None, false), Verdict::Unclear);
        }
        assert_eq!(retry.failed(8, Crowd::None, false), Verdict::Suspect);
        assert_eq!(retry.failed(8, Crowd::None, false), Verdict::Suspect); // an outage
        assert_eq!(retry.failed(9, Crowd::None, false), Verdict::Poison);
        assert_eq!(retry.failed(9, Crowd::None, false), Verdict::Suspect);
        retry.missed();
        assert_eq!(retry.failed(10, Crowd::None, false), Verdict::Unclear);
    }

    #[test]
    fn among_others_that_fail_for_themselves_one_is_suspect_sooner_and_where_there_is_no_room_poison_without_proof() {
        let mut retry = RetryState::default();
        assert_eq!(retry.failed(1, Crowd::Some, false), Verdict::Unclear);
        assert_eq!(retry.failed(1, Crowd::Some, false), Verdict::Suspect);
        assert_eq!(retry.failed(1, Crowd::Some, false), Verdict::Suspect);
        assert_eq!(retry.failed(1, Crowd::Full, false), Verdict::Suspect);
        assert_eq!(retry.failed(1, Crowd::Full, true), Verdict::Poison);
        let _ = retry.strike(true);
        assert_eq!(retry.failed(1, Crowd::Full, false), Verdict::Poison);
    }

    #[test]
    fn one_span_that_is_never_taken_is_given_five_minutes() {
        crate::testing::paused(async {
            let (mut retry, start) = (RetryState::default(), Instant::now());
            while !retry.strike(false) {
                retry.put_off(None);
                tokio::time::sleep_until(retry.due().expect("put off")).await;
            }
            assert!((240..360).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
            let mut hurried = retry.of_part();
            assert_eq!(
                (0..3).map(|_| hurried.strike(true)).collect::<Vec<_>>(),
                [false, false, true]
            );
        });
    }
}
