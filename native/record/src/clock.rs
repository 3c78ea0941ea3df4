//! [`Clock`]: the system's wall clock, asked at most every millisecond and counted on by the processor in between.
//!
//! The kernel computes its time from the processor's counter too, but a call, an ordered read and a lock of it are in between:
//! twice a span that is a tenth of what a span costs. What is counted ourselves is at most [`WINDOW`] old, so an error of the rate
//! cannot grow, and a clock that is set is followed within that time. As in the SDK, times within a trace are not promised to be
//! monotonic; but counting alone never makes them go back.

mod counted;

use crate::clock::counted::Counted;
use crate::ffi::{self, ticks};

/// Two times that counting could have swapped: the later call gets the larger one.
const SLACK: u64 = 10_000;

/// The wall clock. Whoever shares one must lock it.
#[derive(Debug, Default)]
pub struct Clock {
    /// None: the system's clock is asked every time.
    counted: Option<Counted>,
    last: u64,
}

impl Clock {
    /// The system's clock, asked every time.
    #[must_use]
    pub const fn system() -> Self {
        Self { counted: None, last: 0 }
    }

    /// The system's clock, counted on in between if the processor's counter is fit for it. That the kernel's clock counts by it
    /// too, so that it is in step on all processors, the caller has made sure of.
    #[must_use]
    pub fn counting() -> Self {
        Self {
            counted: ticks::are_steady().then(Counted::default),
            last: 0,
        }
    }

    /// Whether it counts, or may do so again.
    #[must_use]
    pub fn is_counting(&self) -> bool {
        self.counted.as_ref().is_some_and(Counted::is_trusted)
    }

    /// Nanoseconds since the Unix epoch.
    #[inline(always)]
    pub fn now(&mut self) -> u64 {
        let Some(counted) = &mut self.counted else {
            return ffi::realtime();
        };
        let time = match counted.at(ticks::now()) {
            Some(time) => time,
            None => look(counted),
        };
        if time < self.last && self.last - time < SLACK {
            return self.last;
        }
        self.last = time;
        time
    }
}

#[cold]
#[inline(never)]
fn look(counted: &mut Counted) -> u64 {
    let before = ticks::now();
    let time = ffi::realtime();
    counted.look(before, time, ticks::now());
    time
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

    use super::*;

    fn std_now() -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        u64::try_from(since.as_nanos()).expect("before 2554")
    }

    #[test]
    fn the_time_is_the_systems() {
        for mut clock in [Clock::system(), Clock::counting(), Clock::default()] {
            // A clock that is set back by a little meanwhile is no failure; another epoch or unit is.
            assert!(std_now().abs_diff(clock.now()) < 60_000_000_000);
        }
    }

    /// Looks at the system's clock before and after each counted time, which must be between them but for a slack.
    #[test]
    #[cfg(not(miri))]
    fn a_counted_time_is_between_two_of_the_systems() {
        let (mut clock, begin) = (Clock::counting(), Instant::now());
        let (mut last, mut off, mut all) = (0, 0, 0);
        while begin.elapsed() < Duration::from_millis(300) {
            let (before, now, after) = (ffi::realtime(), clock.now(), ffi::realtime());
            assert!(now >= last, "{last} then {now}");
            last = now;
            all += 1;
            off += u32::from(now + 20_000 < before || after + 20_000 < now);
        }
        // Whoever sets this machine's clock meanwhile makes a few of them differ.
        assert!(off <= all / 100, "{off} of {all}");
    }
}
