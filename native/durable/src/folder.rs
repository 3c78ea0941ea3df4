//! [`Folder`]: where the files of one process lie.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, fcntl_lock};

use crate::clock::now;
use crate::own::{self, Own};
use crate::synced;

/// The name of the file that is locked while the process lives.
pub const LOCK: &str = "lock";
/// The name of the file that says whose spans they are.
pub const OWNER: &str = "owner";

/// A folder for one process, which is locked as long as it lives.
#[derive(Debug)]
pub struct Folder {
    pub path: PathBuf,
    /// Of the process that made it: when that was, and its number.
    pub process: u128,
    /// Not inherited by children, and gone with the process.
    lock: File,
    _own: Own,
}

impl Folder {
    /// Makes one under a path, which is made too, and must be ours; on the disk, if it `is_synced`.
    pub fn create(path: &Path, service: &str, is_synced: bool) -> io::Result<Self> {
        make_folder(path, true)?;
        let (process, folder) = new_folder(path)?;
        let folder = Self::take(process, &folder).inspect_err(|_| remove(&folder))?;
        // While it is locked, so that nobody else has it.
        folder.begin(service, is_synced).inspect_err(|_| remove(&folder.path))?;
        Ok(folder)
    }

    fn take(process: u128, path: &Path) -> io::Result<Self> {
        // Before there is a lock that others could open. Who looks at it in this process right now sees that it is young.
        let own = loop {
            if let Some(own) = own::claim(path)? {
                break own;
            }
            std::thread::yield_now();
        };
        let lock = new_file(&path.join(LOCK))?;
        // Another process may look at it for a moment, and sees that there is no owner.
        fcntl_lock(&lock, FlockOperation::LockExclusive)?;
        Ok(Self {
            path: path.to_owned(),
            process,
            lock,
            _own: own,
        })
    }

    fn begin(&self, service: &str, is_synced: bool) -> io::Result<()> {
        new_file(&self.path.join(OWNER))?.write_all(service.as_bytes())?;
        if is_synced { self.sync() } else { Ok(()) }
    }

    /// Has all names written to the disk, and whose it is.
    pub fn sync(&self) -> io::Result<()> {
        let owner = self.path.join(OWNER);
        synced::file(&File::open(&owner)?, &owner)?;
        synced::folder(&self.path)?;
        self.path.parent().map_or(Ok(()), synced::folder)
    }

    /// Whether it is still there, and no other in its place.
    pub fn is_in_place(&self) -> bool {
        let Ok(ours) = self.lock.metadata() else { return true };
        match std::fs::symlink_metadata(self.path.join(LOCK)) {
            Ok(there) => (there.dev(), there.ino()) == (ours.dev(), ours.ino()),
            Err(error) => error.kind() != io::ErrorKind::NotFound && error.kind() != io::ErrorKind::NotADirectory,
        }
    }

    /// Removes it, if there are no spans in it; else it can be found.
    pub fn end(&self) {
        if !self.is_in_place() {
            return;
        }
        let entries = std::fs::read_dir(&self.path).into_iter().flatten().flatten();
        if entries
            .into_iter()
            .any(|entry| entry.file_name() != LOCK && entry.file_name() != OWNER)
        {
            return; // not for a moment is it one that nobody finds
        }
        remove(&self.path);
    }
}

/// Removes one without spans.
fn remove(folder: &Path) {
    let _ = std::fs::remove_file(folder.join(OWNER));
    let _ = std::fs::remove_file(folder.join(LOCK));
    let _ = std::fs::remove_dir(folder);
}

/// A file that was not there.
pub fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// A folder that was not there, named by the process and the time.
fn new_folder(path: &Path) -> io::Result<(u128, PathBuf)> {
    let begin = u128::from(now()) << 32 | u128::from(std::process::id());
    for attempt in 0..1000 {
        let process = begin + (attempt << 32);
        let folder = path.join(format!("{process:032x}"));
        match make_folder(&folder, false) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|()| (process, folder)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Makes a folder for us alone, or finds, if it `may_exist`, that it is.
fn make_folder(path: &Path, may_exist: bool) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if may_exist && error.kind() == io::ErrorKind::AlreadyExists => check_folder(path),
        made => made,
    }
}

/// Whether a folder is for us alone.
///
/// # Errors
/// If it is a symbolic link, no folder, another's, or others may write to it.
pub fn check_folder(path: &Path) -> io::Result<()> {
    let found = std::fs::symlink_metadata(path)?;
    let refuse = |what: &str| {
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("{} {what}", path.display()),
        ))
    };
    if found.is_symlink() {
        return refuse("is a symbolic link");
    }
    if !found.is_dir() {
        return refuse("is no folder");
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return refuse("belongs to another user");
    }
    if found.mode() & 0o022 != 0 {
        return refuse("may be written to by others");
    }
    Ok(())
}
