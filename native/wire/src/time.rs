//! Points in time as OTLP has them.

use core::time::Duration;

/// Nanoseconds since the Unix epoch, in UTC. Zero means unknown.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(transparent)]
pub struct UnixNanos(u64);

impl UnixNanos {
    /// The point `nanos` nanoseconds after the epoch.
    #[must_use]
    pub const fn new(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to here; zero where clocks ran backwards.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl From<u64> for UnixNanos {
    fn from(nanos: u64) -> Self {
        Self(nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_ran_backwards_gives_no_duration() {
        let (early, late) = (UnixNanos::new(5), UnixNanos::new(12));
        assert_eq!(late.since(early), Duration::from_nanos(7));
        assert_eq!(early.since(late), Duration::ZERO);
    }
}
