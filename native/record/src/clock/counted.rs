//! [`Counted`]: what the counter says since the last look at the system's clock.

/// Counted on for so long, ns.
pub const WINDOW: u64 = 1_000_000;
/// The rate is measured over so long at least, and anew after so long, ns.
const SHORTEST: u64 = 10_000_000;
const LONGEST: u64 = 1_000_000_000;
/// A look during which the counter went on by so much was interrupted: it says nothing. Well below [`TOLERATED`] at any rate
/// that counters have, the slowest of which is about 800 MHz; far above what a look takes, some hundred ticks.
const INTERRUPTED: u64 = 5_000;
/// A look may differ from what was counted by so many ns, and by a thousandth of the time between them.
const TOLERATED: u64 = 10_000;
/// After so many looks that differ by more, the counter is not trusted any more.
const STRIKES: u32 = 10;
/// The rate is ns a tick in so many bits after the point.
const POINT: u32 = 32;

/// Invariant: a window that is not 0 has a rate, which makes it [`WINDOW`] ns.
#[derive(Debug, Default)]
pub struct Counted {
    /// The last look: the counter and the time.
    ticks: u64,
    time: u64,
    rate: u64,
    /// Ticks that may be counted; 0 as long as there is no rate.
    window: u64,
    /// The look since which the rate is measured; none before the first.
    since: Option<(u64, u64)>,
    strikes: u32,
}

impl Counted {
    /// The time at `ticks`; none if the system's clock must be looked at.
    #[inline(always)]
    pub const fn at(&self, ticks: u64) -> Option<u64> {
        let past = ticks.wrapping_sub(self.ticks);
        if past >= self.window {
            return None;
        }
        // Below 2^64: the window is at most `WINDOW` ns, with 32 bits more.
        Some(self.time + ((past * self.rate) >> POINT))
    }

    /// Whether counting goes on.
    pub const fn is_trusted(&self) -> bool {
        self.strikes < STRIKES
    }

    /// The system's clock said `time` when the counter was between `before` and `after`.
    pub fn look(&mut self, before: u64, time: u64, after: u64) {
        if !self.is_trusted() || after.wrapping_sub(before) > INTERRUPTED {
            return;
        }
        if self.rate != 0 && self.differs(before, time) {
            self.strikes += 1;
            *self = Self {
                strikes: self.strikes,
                ..Self::default()
            };
        }
        (self.ticks, self.time) = (before, time);
        let Some((first, began)) = self.since else {
            self.since = Some((before, time));
            return;
        };
        let (ticks, elapsed) = (before.wrapping_sub(first), time.saturating_sub(began));
        if elapsed < SHORTEST || ticks == 0 {
            return;
        }
        let rate = (u128::from(elapsed) << POINT) / u128::from(ticks);
        // From 10 MHz to 100 GHz; what is beyond is no counter.
        if let Ok(rate @ 42_949_672..=429_496_729_600) = u64::try_from(rate) {
            self.rate = rate;
            self.window = (WINDOW << POINT) / rate;
        }
        if elapsed > LONGEST {
            self.since = Some((before, time));
        }
    }

    /// Whether the time is not what was counted on: the clock was set, or the counter is none.
    fn differs(&self, ticks: u64, time: u64) -> bool {
        let past = (u128::from(ticks.wrapping_sub(self.ticks)) * u128::from(self.rate)) >> POINT;
        let expected = u128::from(self.time) + past;
        expected.abs_diff(time.into()) > u128::from(TOLERATED) + past / 1000
    }
}

// Arithmetic alone, a million times: nothing for Miri, where it takes minutes.
#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// A machine whose counter runs at `khz` and whose clock is what the test says.
    struct Machine {
        khz: u64,
        ticks: u64,
        time: u64,
        counted: Counted,
        looks: u32,
    }

    impl Machine {
        fn new(khz: u64) -> Self {
            Self {
                khz,
                ticks: u64::MAX - 5, // it wraps
                time: 1_700_000_000_000_000_000,
                counted: Counted::default(),
                looks: 0,
            }
        }

        fn pass(&mut self, ns: u64) {
            self.time += ns;
            self.ticks = self.ticks.wrapping_add(ns * self.khz / MS);
        }

        fn now(&mut self) -> u64 {
            self.counted.at(self.ticks).unwrap_or_else(|| {
                self.looks += 1;
                self.counted.look(self.ticks, self.time, self.ticks.wrapping_add(50));
                self.time
            })
        }

        /// Passes `ms`, asking every 10 µs; the largest error.
        fn run(&mut self, ms: u64) -> u64 {
            (0..100 * ms)
                .map(|_| {
                    self.pass(10_000);
                    self.now().abs_diff(self.time)
                })
                .max()
                .unwrap_or(0)
        }
    }

    #[test]
    fn the_clock_is_asked_once_a_millisecond_when_the_rate_is_known() {
        for khz in [10_500, 999_999, 2_450_000, 5_700_000] {
            let mut machine = Machine::new(khz);
            assert!(machine.run(11) < 200);
            machine.looks = 0;
            assert!(machine.run(2000) < 200, "{khz}");
            assert!((1990..2100).contains(&machine.looks), "{}", machine.looks);
        }
    }

    #[test]
    fn a_clock_that_is_set_is_followed_within_a_millisecond() {
        let mut machine = Machine::new(3_000_000);
        machine.run(50);
        for step in [1_000_000_000, 50_000, 3_600_000_000_000] {
            machine.time += step;
            machine.run(1);
            assert!(machine.run(20) < 200);
            machine.time -= step;
            machine.run(1);
            assert!(machine.run(20) < 200);
        }
        assert!(machine.counted.is_trusted());
    }

    #[test]
    fn a_clock_that_is_slewed_is_followed() {
        let mut machine = Machine::new(3_000_000);
        machine.run(50);
        machine.khz = 3_001_500; // 500 ppm
        assert!(machine.run(5000) < 600);
        assert!(machine.counted.is_trusted());
    }

    #[test]
    fn a_counter_that_is_none_is_given_up() {
        let mut machine = Machine::new(3_000_000);
        for round in 0..60 {
            machine.khz = if round % 2 == 0 { 3_000_000 } else { 2_000_000 };
            // At most a window is counted at the wrong rate.
            assert!(machine.run(20) <= MS / 2);
        }
        assert!(!machine.counted.is_trusted());
        assert_eq!(machine.run(100), 0);
        let looks = machine.looks;
        machine.run(1);
        assert_eq!(machine.looks, looks + 100);
    }

    #[test]
    fn a_counter_that_begins_anew_is_followed() {
        let mut machine = Machine::new(3_000_000);
        machine.run(50);
        machine.ticks = 5; // as that of a machine that was suspended
        machine.pass(3 * MS);
        assert!(machine.run(20) < 200);
    }

    #[test]
    fn a_look_that_was_interrupted_is_no_measure() {
        let mut machine = Machine::new(3_000_000);
        machine.run(50);
        let rate = machine.counted.rate;
        machine.pass(2 * MS);
        machine.counted.look(
            machine.ticks,
            machine.time + MS,
            machine.ticks.wrapping_add(INTERRUPTED + 1),
        );
        assert_eq!((machine.counted.rate, machine.counted.strikes), (rate, 0));
        assert!(machine.run(10) < 200);
    }

    /// Of the slowest counters that there are, too: what passes for a look must not look like a clock that was set.
    #[test]
    fn a_look_that_was_interrupted_for_less_is_no_strike() {
        for khz in [806_400, 1_800_000, 3_000_000] {
            let mut machine = Machine::new(khz);
            machine.run(50);
            for _ in 0..STRIKES {
                let (ticks, late) = (machine.ticks, INTERRUPTED * MS / khz);
                machine.pass(late);
                machine.counted.look(ticks, machine.time, machine.ticks);
                let error = machine.run(20);
                assert!(error < 10_000, "{error} ns at {khz} kHz");
            }
            assert_eq!(machine.counted.strikes, 0, "{khz} kHz");
        }
    }
}
