//! When to try again: pure functions of the tries made, the server's hint and the time left.

use std::time::{Duration, SystemTime};

/// Exponential back-off with jitter.
///
/// The jitter spreads clients that failed together. A server's hint is a lower bound: it is jittered upwards only.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// Delay after the first failure.
    pub first: Duration,
    /// No delay of our own is longer; a server's hint may be.
    pub longest: Duration,
    /// Most tries in all, so that a server that says "at once" every time is not hammered until the deadline.
    pub tries: u32,
    /// Half-width of the jitter as a part of the delay.
    pub jitter: f64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(64),
            tries: 6,
            jitter: 0.2,
        }
    }
}

impl RetryPolicy {
    /// How long to wait after `failed` failed tries (1 or more), or `None` to give up: no tries left, or the wait would
    /// outlast `remaining`. `random` is uniform in [0, 1).
    #[must_use]
    pub fn delay(&self, failed: u32, hint: Option<Duration>, remaining: Duration, random: f64) -> Option<Duration> {
        if failed >= self.tries {
            return None;
        }
        let delay = match hint {
            // A tenth of the width used for our own delays: the server has already spread its hints, or means them.
            Some(hint) => scale(hint, 1.0 + self.jitter * 0.1 * random),
            None => scale(self.backoff(failed), 1.0 + self.jitter * (2.0 * random - 1.0)),
        };
        (delay < remaining).then_some(delay)
    }

    fn backoff(&self, failed: u32) -> Duration {
        let doublings = failed.saturating_sub(1).min(31);
        self.first.saturating_mul(1 << doublings).min(self.longest)
    }
}

/// Back-off with full jitter, for who goes on until the destination takes what it has: the wait is uniform between nothing and a
/// cap that doubles, so clients that failed together come back one by one, and soon after the destination does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// The first cap.
    pub first: Duration,
    /// No cap is longer, unless the server asked for longer waits.
    pub longest: Duration,
    cap: Option<Duration>,
    hint: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new(Duration::from_secs(1), Duration::from_secs(5))
    }
}

impl Backoff {
    /// A server's hint lengthens our own waits after it up to this.
    const LONGEST_AFTER_HINT: Duration = Duration::from_secs(30);
    /// A server that asks for longer waits means "not today": it is asked again all the same.
    const LONGEST_HINT: Duration = Duration::from_secs(3600);

    /// Nothing has failed yet.
    #[must_use]
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            cap: None,
            hint: Duration::ZERO,
        }
    }

    /// How long to wait after one more failure. The server's hint is a lower bound; what follows doubles from it. After the first failure
    /// the hint alone counts, then our own wait as well: who says "at once" every time is not hammered. `random` is uniform in [0, 1).
    pub fn after(&mut self, hint: Option<Duration>, random: f64) -> Duration {
        let own = self.cap.map(|cap| cap.saturating_mul(2));
        let Some(hint) = hint else {
            let cap = own.unwrap_or(self.first).min(self.longest.max(self.hint));
            self.cap = Some(cap);
            return scale(cap, random);
        };
        let hint = hint.min(Self::LONGEST_HINT);
        self.hint = hint.min(Self::LONGEST_AFTER_HINT);
        let own = own.map_or(Duration::ZERO, |cap| cap.min(self.longest.max(self.hint)));
        self.cap = Some(own.max(hint).max(self.first));
        // The server has already spread its hints, or means them.
        scale(hint, 1.0 + 0.02 * random).max(scale(own, random))
    }

    /// Something was taken: the next failure is the first again.
    pub fn reset(&mut self) {
        *self = Self::new(self.first, self.longest);
    }
}

/// The wait that a `Retry-After` value asks for at `now`: seconds or an HTTP date. `None` when it is neither.
#[must_use]
pub fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        // Negative means at once; infinite and NaN mean nothing.
        return seconds
            .is_finite()
            .then(|| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

fn scale(delay: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(delay.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        first: Duration::from_secs(1),
        longest: Duration::from_secs(64),
        tries: 6,
        jitter: 0.2,
    };

    #[test]
    fn who_says_at_once_every_time_is_not_hammered() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.after(Some(Duration::ZERO), 0.5), Duration::ZERO);
        let waits: Vec<_> = (0..20).map(|_| backoff.after(Some(Duration::ZERO), 0.5)).collect();
        assert!(waits.iter().all(|&wait| wait >= Duration::from_secs(1)), "{waits:?}");
        assert!(waits[19] <= Duration::from_secs(5));
    }

    proptest! {
        #[test]
        fn own_delays_double_within_the_jitter(failed in 1u32..6, random in 0.0f64..1.0) {
            let delay = POLICY.delay(failed, None, Duration::MAX, random).expect("tries are left").as_secs_f64();
            let middle = f64::from(1u32 << (failed - 1));
            prop_assert!(delay >= middle * 0.799_999 && delay <= middle * 1.200_001, "{delay} for {failed}");
        }

        #[test]
        fn a_hint_is_never_undercut(failed in 1u32..6, millis in 0u64..10_000_000, random in 0.0f64..1.0) {
            let hint = Duration::from_millis(millis);
            let delay = POLICY.delay(failed, Some(hint), Duration::MAX, random).expect("tries are left");
            prop_assert!(delay + Duration::from_micros(1) >= hint);
            prop_assert!(delay.as_secs_f64() <= hint.as_secs_f64() * 1.021);
        }

        #[test]
        fn no_delay_reaches_the_deadline(failed in 0u32..10, hint in prop::option::of(any::<u64>()), left in any::<u64>(),
                                         random in 0.0f64..1.0) {
            let remaining = Duration::from_millis(left);
            if let Some(delay) = POLICY.delay(failed, hint.map(Duration::from_millis), remaining, random) {
                prop_assert!(delay < remaining);
                prop_assert!(failed < POLICY.tries);
            }
        }

        #[test]
        fn full_jitter_stays_below_a_cap_that_doubles_up_to_its_limit(randoms in prop::collection::vec(0.0f64..1.0, 1..40)) {
            let mut backoff = Backoff::default();
            for (failed, random) in (0u32..).zip(randoms) {
                let cap = f64::from((1u32 << failed.min(10)).min(5));
                let delay = backoff.after(None, random).as_secs_f64();
                prop_assert!((delay - cap * random).abs() < 1e-6, "{delay} for {failed}");
            }
            backoff.reset();
            prop_assert!(backoff.after(None, 0.999_999) < Duration::from_secs(1));
        }

        #[test]
        fn a_hint_is_waited_for_and_lengthens_what_follows_by_half_a_minute_at_most(seconds in 0u64..10_000_000, random in 0.0f64..1.0) {
            let mut backoff = Backoff::default();
            let hint = Duration::from_secs(seconds);
            let delay = backoff.after(Some(hint), random);
            prop_assert!(delay >= hint.min(Duration::from_secs(3600)) && delay <= Duration::from_secs(3672));
            for _ in 0..5 {
                let next = backoff.after(None, random);
                prop_assert!(next <= hint.clamp(Duration::from_secs(5), Duration::from_secs(30)));
            }
        }

        #[test]
        fn any_text_is_read_as_a_wait_or_nothing(value in ".*") {
            let _ = retry_after(&value, SystemTime::now());
        }

        #[test]
        fn a_date_is_the_time_until_it(seconds in 0u64..1_000_000) {
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
            let text = httpdate::fmt_http_date(now + Duration::from_secs(seconds));
            prop_assert_eq!(retry_after(&text, now), Some(Duration::from_secs(seconds)));
        }
    }

    #[test]
    fn the_last_try_has_no_successor() {
        assert_eq!(POLICY.delay(6, Some(Duration::ZERO), Duration::MAX, 0.5), None);
        assert_eq!(
            POLICY.delay(5, Some(Duration::ZERO), Duration::MAX, 0.5),
            Some(Duration::ZERO)
        );
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_or_nothing() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777); // Sun, 06 Nov 1994 08:49:37 GMT
        let check = |value: &str, expected: Option<u64>| {
            assert_eq!(
                retry_after(value, now),
                expected.map(Duration::from_millis),
                "{value:?}"
            );
        };
        check("3", Some(3000));
        check(" 1.5 ", Some(1500));
        check("-4", Some(0));
        check("Sun, 06 Nov 1994 08:49:47 GMT", Some(10_000));
        check("Sun, 06 Nov 1994 08:49:27 GMT", Some(0));
        check("soon", None);
        check("inf", None);
        check("NaN", None);
        check("", None);
    }
}
