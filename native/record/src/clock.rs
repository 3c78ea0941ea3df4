//! The wall clock. As in the SDK, times within a trace are not promised to be monotonic.

use crate::ffi;

/// Nanoseconds since the Unix epoch.
#[must_use]
#[inline]
pub fn now() -> u64 {
    ffi::realtime()
}

#[cfg(test)]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    #[test]
    fn the_time_is_the_systems() {
        let std = || {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
            u64::try_from(since.as_nanos()).expect("before 2554")
        };
        let before = std();
        let now = super::now();
        // A clock that is set back by a little meanwhile is no failure; another epoch or unit is.
        assert!(before.abs_diff(now) < 60_000_000_000, "{before} and {now}");
    }
}
