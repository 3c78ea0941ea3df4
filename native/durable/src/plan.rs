//! [`Plan`]: where and how a process keeps what waits.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::file_system::{FileSystem, MapPolicy};

/// When what is committed is also written to the disk, for the case that the power fails.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Sync {
    /// When the system likes: nothing is lost when the process dies.
    #[default]
    Never,
    /// At least so often.
    Interval(Duration),
    /// Whenever something was committed since the last time.
    Batch,
}

/// Where and how a process keeps what waits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Plan {
    /// A folder for all processes.
    pub path: PathBuf,
    /// Whose spans they are: a later process of the same name may deliver them.
    pub service: String,
    /// Bytes of files at most.
    pub limit: u64,
    /// When the disk is told.
    pub sync: Sync,
    /// Whether files are mapped, or written to by write(2).
    pub mapping: MapPolicy,
}

impl Plan {
    /// With what is usual for the rest: a gibibyte at most, mapped, and on the disk when the system likes.
    #[must_use]
    pub fn new(path: PathBuf, service: impl Into<String>) -> Self {
        Self {
            path,
            service: service.into(),
            limit: 1 << 30,
            sync: Sync::default(),
            mapping: MapPolicy::default(),
        }
    }

    /// On which it lies; inside it, why that cannot be told now.
    pub(crate) fn file_system(&self) -> io::Result<io::Result<FileSystem>> {
        let place = match self.path.parent() {
            Some(parent) if !self.path.exists() => parent, // there was no room for it
            _ => &self.path,
        };
        match FileSystem::of(place) {
            Err(error) if !may_pass(&error) => Err(error),
            asked => Ok(asked),
        }
    }

    pub(crate) fn why_not_mapped(&self, file_system: &io::Result<FileSystem>) -> Option<String> {
        match (self.mapping, file_system) {
            (MapPolicy::Never, _) => Some("mapping=never".to_owned()),
            (MapPolicy::Always, _) => None,
            (MapPolicy::Auto, Ok(found)) => (!found.keeps_mapped).then(|| found.name.clone()),
            (MapPolicy::Auto, Err(error)) => Some(error.to_string()),
        }
    }
}

/// Whether it is a matter of time, and not of how things are set up.
pub(crate) fn may_pass(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let number = error.raw_os_error();
    // A disk that fails is mounted read-only by the system.
    [Errno::IO, Errno::ROFS, Errno::MFILE, Errno::NFILE, Errno::NOMEM]
        .iter()
        .any(|passes| number == Some(passes.raw_os_error()))
        || matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Whether a file that could not be mapped, or allocated, may do when it is written to by write(2).
pub(crate) fn may_be_written(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let number = error.raw_os_error();
    [
        Errno::OPNOTSUPP,
        Errno::NOSYS,
        Errno::INVAL,
        Errno::NODEV,
        Errno::ACCESS,
        Errno::PERM,
    ]
    .iter()
    .any(|refused| number == Some(refused.raw_os_error()))
}
