//! [`Status`]: what a setter has to say beside having done its work.

use std::ops::{BitOr, BitOrAssign};

/// Bits as in the C table; none is set when all went as usual.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(transparent)]
#[must_use = "somebody should hear of what was lost"]
pub struct Status(u32);

impl Status {
    /// Nothing to say.
    pub const OK: Self = Self(0);
    /// The oldest attribute, event or link went to make room.
    pub const EVICTED: Self = Self(1);
    /// Something that OTLP cannot hold, or that the record has no room for, was left out.
    pub const UNENCODABLE: Self = Self(2);
    /// A defect of ours: counted, and the record records no more.
    pub const PANIC: Self = Self(4);
    /// Lone surrogates of a name or message became U+FFFD.
    pub const LOSSY: Self = Self(8);
    /// Not of a setter: the queue that took the span wants its processor to attend to it.
    pub const ATTEND: Self = Self(16);
    /// Not of a setter: the record that ended is not worth keeping for another span.
    pub const SPENT: Self = Self(32);
    /// Not of a setter: the queue had no room, and the span may wait for some.
    pub const FULL: Self = Self(64);

    /// The bits.
    #[must_use]
    #[inline]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether all bits of `other` are set.
    #[must_use]
    #[inline]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Status {
    type Output = Self;

    #[inline]
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Status {
    #[inline]
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

#[cfg(test)]
mod tests {
    use super::Status;

    #[test]
    fn bits_add_up() {
        let mut status = Status::EVICTED | Status::LOSSY;
        assert_eq!(status.bits(), 9);
        assert!(status.contains(Status::LOSSY) && !status.contains(Status::PANIC));
        status |= Status::PANIC;
        assert!(status.contains(Status::LOSSY | Status::PANIC));
        assert!(Status::OK.contains(Status::OK) && !Status::OK.contains(Status::EVICTED));
    }
}
