//! Making the file of a segment.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate};

use crate::format::{Header, SUFFIX};
use crate::synced;

/// Where a file is.
#[derive(Debug)]
pub struct Place {
    pub path: PathBuf,
    /// Device and inode.
    pub identity: (u64, u64),
}

/// A bound on the size of files (`RLIMIT_FSIZE`) would be a signal that ends the process, when a file gets its length or is written to: it
/// is asked before.
fn check_bound(len: u64) -> io::Result<()> {
    let most = rustix::process::getrlimit(rustix::process::Resource::Fsize).current;
    if most.is_some_and(|most| most < len) {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "the system's bound on the size of files (ulimit -f) is too low",
        ));
    }
    Ok(())
}

/// Makes a file under a name that nobody reads, has `map` do what is wanted before it gets its own, and names it.
pub fn make_file<M>(
    folder: &Path,
    number: u64,
    header: &Header,
    is_allocated: bool,
    is_synced: bool,
    map: impl FnOnce(&File) -> io::Result<M>,
) -> io::Result<(Place, File, M)> {
    let temporary = folder.join(format!("{number:016x}.new"));
    let path = folder.join(format!("{number:016x}.{SUFFIX}"));
    let name = || {
        let file = begin_file(&temporary, header, is_allocated, is_synced)?;
        let mapped = map(&file)?;
        std::fs::rename(&temporary, &path)?;
        if is_synced {
            synced::folder(folder).inspect_err(|_| {
                let _ = std::fs::remove_file(&path);
            })?;
        }
        let found = file.metadata()?;
        let identity = (found.dev(), found.ino());
        Ok((Place { path, identity }, file, mapped))
    };
    name().inspect_err(|_| {
        let _ = std::fs::remove_file(&temporary);
    })
}

/// A new file with its header and room for all that it is to hold.
fn begin_file(path: &Path, header: &Header, is_allocated: bool, is_synced: bool) -> io::Result<File> {
    let len = header.shape.file_len() as u64;
    check_bound(len)?;
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    // Not a sparse file: to write into a hole of a full disk is a SIGBUS. By write(2) it is an error, which is told.
    let allocated = fallocate(&file, FallocateFlags::empty(), 0, len);
    if is_allocated {
        allocated?;
    } else if allocated.is_err() {
        file.set_len(len)?;
    }
    file.write_all_at(&header.encode(), 0)?;
    if is_synced {
        synced::file(&file, path)?; // before all pages are touched: it is one
    }
    Ok(file)
}
