//! [`Report`]: how a directory is.

use std::path::PathBuf;
use std::time::Duration;

/// How a directory is at this moment.
#[derive(Clone, Debug)]
pub struct Report {
    /// The process's own folder.
    pub folder: PathBuf,
    /// Whose spans they are.
    pub service: String,
    /// The file system that the folder is on; none where it could not be asked for.
    pub file_system: Option<String>,
    /// Why what waits is not in mapped files but written by a thread, where the file system cannot promise more.
    pub not_mapped: Option<String>,
    /// Bytes of its files.
    pub bytes: u64,
    /// Bytes at most.
    pub limit: u64,
    /// Files.
    pub files: u64,
    /// How often a file could not be made, written or synced, or the folder was not there any more.
    pub failures: u64,
    /// What was wrong last.
    pub last_error: Option<String>,
    /// Since when everything that had been committed is on the disk, for the case that the power fails; none: not at all yet.
    pub synced: Option<Duration>,
}
