//! Which kernels there are, and in which variants: what `spanwire bench --info` shows.

use alloc::vec::Vec;

use crate::level::{Level, Usable};

/// A kernel and whose code its variants are.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    /// Its path in this crate.
    pub name: &'static str,
    /// What it is for.
    pub what: &'static str,
    of: fn(Level) -> &'static str,
}

impl Kernel {
    /// All that there are.
    pub const ALL: [Self; 7] = [
        Self::new("utf8::validate", "texts are UTF-8", |level| match level {
            Level::Scalar => "standard library",
            Level::Avx512 => "simdutf8, AVX2",
            _ => "simdutf8",
        }),
        Self::new("transcode::latin1", "Latin-1 to UTF-8", |_| "ours"),
        Self::new("transcode::ucs2", "UCS-2 to UTF-8", |_| "ours"),
        Self::new("transcode::ucs4", "UCS-4 to UTF-8", |_| "ours"),
        Self::new("json::string", "strings of JSON", |_| "ours"),
        Self::new("hex::encode", "ids to hex", |_| "ours, compiled once"),
        Self::new("hex::decode", "ids from hex", |_| "ours, compiled once"),
    ];

    const fn new(name: &'static str, what: &'static str, of: fn(Level) -> &'static str) -> Self {
        Self { name, what, of }
    }

    /// Whose code the variant of a level is.
    #[must_use]
    pub fn variant(&self, level: Level) -> &'static str {
        (self.of)(level)
    }
}

/// The levels that this machine has, plain code first.
#[must_use]
pub fn available() -> Vec<Usable> {
    Level::ALL.into_iter().filter_map(Level::usable).collect()
}
