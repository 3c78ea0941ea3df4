//! How much a record keeps.

/// The most bytes that a record takes (1 GiB), so that its frame stays well below protobuf's limit of 2 GiB.
///
/// The unit tests' limit is lower: reaching it should not take gigabytes.
pub const MAX_RECORD_BYTES: usize = if cfg!(test) { 1 << 20 } else { 1 << 30 };

/// What a pooled record keeps of each of its buffers.
pub(crate) const KEEP_BYTES: usize = 16 << 10;

/// How many attributes, events and links a span keeps; beyond, the oldest go. Attributes of events and links, and lengths of
/// values, are cut before they get here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Attributes of the span itself.
    pub attributes: u32,
    /// Events.
    pub events: u32,
    /// Links.
    pub links: u32,
}

impl Limits {
    /// The number that stands for no limit.
    pub const NONE: u32 = u32::MAX;

    /// Without limits.
    pub const UNLIMITED: Self = Self {
        attributes: Self::NONE,
        events: Self::NONE,
        links: Self::NONE,
    };
}

/// The specification's: 128 each.
impl Default for Limits {
    fn default() -> Self {
        Self {
            attributes: 128,
            events: 128,
            links: 128,
        }
    }
}
