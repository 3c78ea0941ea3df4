//! [`Progress`]: which destinations have which blocks of a terminated process, in a file beside them.
//!
//! A block is freed when every destination has it. Until then the file says who does not need it again: a line for each block and destination,
//! appended by one write once the destination has answered for the block. A line that a kill has cut short says nothing, and the block is
//! delivered again. The file is not synced: after a power failure a destination may get again what it had.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

use crate::folder::new_file;

/// The file's name.
pub const PROGRESS: &str = "delivered";

/// Read up to here: more than the lines of a folder of 100 GiB for three destinations.
const MOST_BYTES: u64 = 64 << 20;

/// Blocks by destination. A block is named as by [`Place::name`](crate::orphans::Place::name).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Progress(HashMap<String, HashSet<String>>);

impl Progress {
    /// What the file in a folder says; nothing where there is none.
    ///
    /// # Errors
    /// If there is one that cannot be read.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut text = Vec::new();
        match open(folder, false) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            file => file?.take(MOST_BYTES).read_to_end(&mut text)?,
        };
        let mut progress = Self::default();
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
        for line in text[..whole].split(|&byte| byte == b'\n') {
            if let Ok(line) = std::str::from_utf8(line)
                && let Some((block, destination)) = line.split_once(' ')
            {
                progress.add(block, destination);
            }
        }
        Ok(progress)
    }

    /// Appends a line to the file: that destination has that block.
    ///
    /// # Errors
    /// If it cannot be written, or the names cannot be told apart in a line.
    pub fn append(folder: &Path, block: &str, destination: &str) -> io::Result<()> {
        if block.contains([' ', '\n']) || destination.contains('\n') {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the name of a file or of a destination is not of one line",
            ));
        }
        let mut file = match open(folder, true) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => new_file(&folder.join(PROGRESS)),
            file => file,
        }?;
        // What was cut short ends here, and does not spoil this line.
        let mut last = [b'\n'];
        if file.seek(SeekFrom::End(0))? > 0 {
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
        }
        let begin = if last == *b"\n" { "" } else { "\n" };
        file.write_all(format!("{begin}{block} {destination}\n").as_bytes())
    }

    /// That destination has that block.
    pub fn add(&mut self, block: &str, destination: &str) {
        match self.0.get_mut(destination) {
            Some(blocks) => drop(blocks.insert(block.to_owned())),
            None => drop(self.0.insert(destination.to_owned(), HashSet::from([block.to_owned()]))),
        }
    }

    /// Whether that destination has that block.
    #[must_use]
    pub fn has(&self, block: &str, destination: &str) -> bool {
        self.0.get(destination).is_some_and(|blocks| blocks.contains(block))
    }

    /// All that another one says, too.
    pub fn merge(&mut self, other: &Self) {
        for (destination, blocks) in &other.0 {
            for block in blocks {
                self.add(block, destination);
            }
        }
    }

    /// The destinations that have some block.
    pub fn destinations(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// Opens it, for appending too, if it is a file.
fn open(folder: &Path, is_written: bool) -> io::Result<File> {
    let path = folder.join(PROGRESS);
    if !std::fs::symlink_metadata(&path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    #[allow(clippy::cast_possible_wrap)]
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
    OpenOptions::new()
        .read(true)
        .append(is_written)
        .custom_flags(flags)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_appended_is_read_and_what_was_cut_short_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path();
        assert_eq!(Progress::read(at).expect("nothing"), Progress::default());
        Progress::append(at, "1.spans:0", "http://one/v1/traces").expect("written");
        Progress::append(at, "1.spans:1", "http://one/v1/traces").expect("written");
        Progress::append(at, "1.spans:0", "a name of words").expect("written");
        let path = at.join(PROGRESS);
        let mut text = std::fs::read(&path).expect("there");
        text.extend(b"1.spans:2 http://one/v1");
        std::fs::write(&path, text).expect("written");
        let read = Progress::read(at).expect("readable");
        assert!(read.has("1.spans:0", "http://one/v1/traces") && read.has("1.spans:1", "http://one/v1/traces"));
        assert!(read.has("1.spans:0", "a name of words") && !read.has("1.spans:1", "a name of words"));
        assert_eq!(read.destinations().count(), 2);
        Progress::append(at, "1.spans:3", "http://one/v1/traces").expect("written");
        let read = Progress::read(at).expect("readable");
        assert!(read.has("1.spans:3", "http://one/v1/traces") && !read.has("1.spans:2", "http://one/v1/traces"));
    }

    #[test]
    fn what_is_no_file_or_no_line_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(Progress::append(folder.path(), "1.spans:0", "two\nlines").is_err());
        assert!(Progress::append(folder.path(), "a file.spans:0", "one").is_err());
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join(PROGRESS)).expect("a link");
        assert!(Progress::read(folder.path()).is_err());
        assert!(Progress::append(folder.path(), "1.spans:0", "one").is_err());
    }
}
