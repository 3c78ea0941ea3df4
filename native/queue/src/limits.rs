//! [`Limits`] and [`Counts`].

use std::ops::AddAssign;

/// How much may wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Bytes of memory for frames.
    pub bytes: usize,
    /// Frames, exactly.
    pub frames: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 64 << 20,
            frames: usize::MAX,
        }
    }
}

impl Limits {
    /// No protobuf message may be longer.
    const LONGEST: usize = i32::MAX as usize;

    /// Bytes of a frame at most.
    pub(crate) fn longest(&self) -> usize {
        if self.frames == 0 {
            0
        } else {
            self.bytes.min(Self::LONGEST)
        }
    }
}

/// What happens to a frame for which a lane has no room.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum WhenFull {
    /// The oldest frames go.
    #[default]
    DropOldest,
    /// It is refused, and counted as `full`.
    DropNewest,
    /// It is handed back: the caller waits for room, and appends it again or has it refused.
    Block,
}

/// Frames that a lane lost, by why.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Dropped {
    /// The bounds: [`Counts::full`].
    pub full: u64,
    /// The lane was closed, or they were discarded: [`Counts::closed`] without those below.
    pub closed: u64,
    /// Likewise; but they stay where they outlive this process.
    pub kept: u64,
    /// [`Counts::unstored`].
    pub unstored: u64,
    /// [`Counts::expired`].
    pub expired: u64,
    /// [`Counts::damaged`].
    pub damaged: u64,
}

impl Dropped {
    /// All of them.
    pub(crate) fn sum(self) -> u64 {
        self.full + self.closed + self.kept + self.unstored + self.expired + self.damaged
    }

    /// What came since.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            full: self.full - before.full,
            closed: self.closed - before.closed,
            kept: self.kept - before.kept,
            unstored: self.unstored - before.unstored,
            expired: self.expired - before.expired,
            damaged: self.damaged - before.damaged,
        }
    }
}

impl AddAssign for Dropped {
    fn add_assign(&mut self, other: Self) {
        self.full += other.full;
        self.closed += other.closed;
        self.kept += other.kept;
        self.unstored += other.unstored;
        self.expired += other.expired;
        self.damaged += other.damaged;
    }
}

impl Counts {
    /// Frames that were dropped, for whatever reason.
    pub(crate) fn dropped(self) -> u64 {
        self.full + self.closed + self.unstored + self.expired + self.damaged
    }

    /// What came since; what waits is as it is now.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            accepted: self.accepted.saturating_sub(before.accepted),
            taken: self.taken.saturating_sub(before.taken),
            queued: self.queued,
            full: self.full.saturating_sub(before.full),
            closed: self.closed.saturating_sub(before.closed),
            unstored: self.unstored.saturating_sub(before.unstored),
            expired: self.expired.saturating_sub(before.expired),
            damaged: self.damaged.saturating_sub(before.damaged),
        }
    }

    /// By name.
    #[must_use]
    pub fn named(&self) -> [(&'static str, u64); 8] {
        [
            ("accepted", self.accepted),
            ("taken", self.taken),
            ("queued", self.queued),
            ("full", self.full),
            ("closed", self.closed),
            ("unstored", self.unstored),
            ("expired", self.expired),
            ("damaged", self.damaged),
        ]
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.taken += other.taken;
        self.queued += other.queued;
        self.full += other.full;
        self.closed += other.closed;
        self.unstored += other.unstored;
        self.expired += other.expired;
        self.damaged += other.damaged;
    }
}

/// What became of all frames of this process for one lane: `accepted == taken + queued + full + closed + unstored + expired + damaged`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Frames given to `append`.
    pub accepted: u64,
    /// Frames handed out in batches.
    pub taken: u64,
    /// Frames that wait.
    pub queued: u64,
    /// Frames dropped by the bounds, the oldest first; or at once if too large for them, or if the heap had none.
    pub full: u64,
    /// Frames dropped because the lane was closed, and those that were discarded.
    pub closed: u64,
    /// Frames dropped because there was nowhere to keep them: no room on the disk, say.
    pub unstored: u64,
    /// Frames dropped because they had waited for too long.
    pub expired: u64,
    /// Frames dropped because their bytes were not what was written: memory of a file may be changed by others.
    pub damaged: u64,
}
