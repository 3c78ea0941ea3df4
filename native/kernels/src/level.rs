//! [`Level`]: which instructions the kernels may use; [`usable`]: the one that was chosen.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;
use core::sync::atomic::{AtomicU8, Ordering};

/// The environment variable that forces a level.
pub const VARIABLE: &str = "SPANWIRE_SIMD";

/// Sets of instructions, from none to the widest.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum Level {
    /// Plain code: what the compiler makes of it for the oldest machine of its kind.
    Scalar = 1,
    /// x86-64: SSE4.2 and what came before it.
    Sse42 = 2,
    /// x86-64: AVX2, BMI1, BMI2 and LZCNT.
    Avx2 = 3,
    /// x86-64: AVX-512 as of Ice Lake and Zen 4: F, BW, CD, DQ, VL, VBMI, VBMI2.
    Avx512 = 4,
    /// `AArch64`: NEON, which every such machine has.
    Neon = 5,
}

impl Level {
    /// All, in this order.
    pub const ALL: [Self; 5] = [Self::Scalar, Self::Sse42, Self::Avx2, Self::Avx512, Self::Neon];

    /// As `SPANWIRE_SIMD` and `spanwire bench --info` spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Sse42 => "sse4.2",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Neon => "neon",
        }
    }

    /// The level, if this machine has its instructions.
    #[must_use]
    pub fn usable(self) -> Option<Usable> {
        has(self).then_some(Usable(self))
    }

    const fn from_number(number: u8) -> Self {
        match number {
            2 => Self::Sse42,
            3 => Self::Avx2,
            4 => Self::Avx512,
            5 => Self::Neon,
            _ => Self::Scalar,
        }
    }
}

/// Whether this machine, and its system, have the level's instructions.
fn has(level: Level) -> bool {
    match level {
        Level::Scalar => true,
        #[cfg(all(target_arch = "x86_64", any(test, feature = "std"), not(miri)))]
        Level::Sse42 => std::is_x86_feature_detected!("sse4.2") && std::is_x86_feature_detected!("popcnt"),
        #[cfg(all(target_arch = "x86_64", any(test, feature = "std"), not(miri)))]
        Level::Avx2 => {
            has(Level::Sse42)
                && std::is_x86_feature_detected!("avx2")
                && std::is_x86_feature_detected!("bmi1")
                && std::is_x86_feature_detected!("bmi2")
                && std::is_x86_feature_detected!("lzcnt")
        }
        #[cfg(all(target_arch = "x86_64", any(test, feature = "std"), not(miri)))]
        Level::Avx512 => {
            has(Level::Avx2)
                && std::is_x86_feature_detected!("avx512f")
                && std::is_x86_feature_detected!("avx512bw")
                && std::is_x86_feature_detected!("avx512cd")
                && std::is_x86_feature_detected!("avx512dq")
                && std::is_x86_feature_detected!("avx512vl")
                && std::is_x86_feature_detected!("avx512vbmi")
                && std::is_x86_feature_detected!("avx512vbmi2")
        }
        Level::Neon => cfg!(all(target_arch = "aarch64", target_feature = "neon", not(miri))),
        #[cfg(not(all(target_arch = "x86_64", any(test, feature = "std"), not(miri))))]
        _ => false,
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no level's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct UnknownLevel;

impl fmt::Display for UnknownLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be one of scalar, sse4.2, avx2, avx512, neon")
    }
}

impl core::error::Error for UnknownLevel {}

impl FromStr for Level {
    type Err = UnknownLevel;

    /// Names in any case, spaces around them allowed. `sse4.1` means `sse4.2`: no machine of interest has only the former.
    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        let text = text.trim();
        let is = |name: &str| text.eq_ignore_ascii_case(name);
        match Self::ALL.into_iter().find(|level| is(level.name())) {
            Some(level) => Ok(level),
            None if is("sse4.1") => Ok(Self::Sse42),
            None => Err(UnknownLevel),
        }
    }
}

/// A level whose instructions this machine was found to have: whoever holds one may use them.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Usable(Level);

impl Usable {
    /// Plain code, which every machine runs.
    pub const SCALAR: Self = Self(Level::Scalar);

    /// Which it is.
    #[must_use]
    #[inline(always)]
    pub const fn level(self) -> Level {
        self.0
    }

    /// The widest that this machine has.
    #[must_use]
    pub fn best() -> Self {
        Level::ALL
            .into_iter()
            .rev()
            .find_map(Level::usable)
            .unwrap_or(Self::SCALAR)
    }
}

/// The number of the chosen level; 0 until it is chosen.
static CHOSEN: AtomicU8 = AtomicU8::new(0);

/// The level that was chosen for this process: at the first call, for good.
#[must_use]
#[inline(always)]
pub fn usable() -> Usable {
    match CHOSEN.load(Ordering::Relaxed) {
        0 => choose(),
        number => Usable(Level::from_number(number)),
    }
}

/// The level that was chosen for this process.
#[must_use]
pub fn level() -> Level {
    usable().level()
}

#[cold]
fn choose() -> Usable {
    let chosen = decision().level;
    // Threads that come here at once find the same.
    CHOSEN.store(chosen.0 as u8, Ordering::Relaxed);
    chosen
}

/// How the level came about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decision {
    /// What was chosen.
    pub level: Usable,
    /// What `SPANWIRE_SIMD` said, unless it was not set or empty.
    pub wish: Option<String>,
    /// What became of that.
    pub outcome: Outcome,
}

/// What became of a wish.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// There was none: the best was taken.
    Best,
    /// It named a level that this machine has: that was taken.
    Forced,
    /// It named no level: the best was taken.
    Unknown,
    /// It named a level that this machine does not have: the best was taken.
    Unavailable,
}

/// What a wish leads to. One that cannot be had is no error, since a fleet has one environment and many kinds of machines: the best level is
/// taken, and whoever asks is told.
fn decide(wish: Option<String>) -> Decision {
    let wish = wish.filter(|text| !text.trim().is_empty());
    let (level, outcome) = match wish.as_deref().map(str::parse::<Level>) {
        None => (None, Outcome::Best),
        Some(Err(UnknownLevel)) => (None, Outcome::Unknown),
        Some(Ok(level)) => match level.usable() {
            Some(level) => (Some(level), Outcome::Forced),
            None => (None, Outcome::Unavailable),
        },
    };
    Decision {
        level: level.unwrap_or_else(Usable::best),
        wish,
        outcome,
    }
}

/// How the level of this process came about: as `SPANWIRE_SIMD` was when it was first asked for.
#[cfg(any(test, feature = "std"))]
#[must_use]
pub fn decision() -> Decision {
    static DECISION: std::sync::OnceLock<Decision> = std::sync::OnceLock::new();
    let wish = || std::env::var_os(VARIABLE).map(|text| text.to_string_lossy().into_owned());
    DECISION.get_or_init(|| decide(wish())).clone()
}

/// How the level of this process came about.
#[cfg(not(any(test, feature = "std")))]
#[must_use]
pub fn decision() -> Decision {
    decide(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back_and_others_are_not() {
        for level in Level::ALL {
            assert_eq!(level.name().parse(), Ok(level));
            assert_eq!(Level::from_number(level as u8), level);
        }
        assert_eq!(" AVX2 ".parse(), Ok(Level::Avx2));
        assert_eq!("sse4.1".parse(), Ok(Level::Sse42));
        assert_eq!("sse9".parse::<Level>(), Err(UnknownLevel));
    }

    #[test]
    fn a_wish_that_cannot_be_had_gives_the_best_and_is_told() {
        let best = Usable::best();
        let outcome = |wish: &str| {
            let decision = decide(Some(wish.into()));
            (decision.level, decision.outcome)
        };
        assert_eq!(decide(None).outcome, Outcome::Best);
        assert_eq!(outcome(" "), (best, Outcome::Best));
        assert_eq!(outcome("sse9"), (best, Outcome::Unknown));
        for level in Level::ALL {
            let expected = match level.usable() {
                Some(usable) => (usable, Outcome::Forced),
                None => (best, Outcome::Unavailable),
            };
            assert_eq!(outcome(level.name()), expected);
        }
        assert_eq!(decide(Some("sse9".into())).wish.as_deref(), Some("sse9"));
    }

    #[test]
    fn plain_code_runs_everywhere() {
        assert_eq!(Level::Scalar.usable(), Some(Usable::SCALAR));
        assert!(usable().level().usable().is_some());
    }
}
