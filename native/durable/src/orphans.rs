//! [`Orphan`]: what a process that has ended left behind.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, OFlags, fcntl_lock};
use rustix::io::Errno;

use crate::folder::{LOCK, OWNER, check_folder, new_file};
use crate::format::{self, FREE, Header, SUFFIX, word};
use crate::own::{self, Own};
use crate::progress::{PROGRESS, Progress};
use crate::read::{Found, Segment, Since};

/// A service's name is read up to here.
const OWNER_BYTES: usize = 4096;

/// A folder whose process has ended. While it lives nobody else can have it.
#[derive(Debug)]
pub struct Orphan {
    folder: PathBuf,
    service: String,
    /// Closed before the folder is nobody's.
    _lock: File,
    _own: Own,
}

/// Where a block is.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its file.
    pub path: PathBuf,
    /// Which one of the file.
    pub index: u32,
    /// Of all blocks of its process, which one.
    pub number: u64,
    /// Its frames as its header counts them, without those that every destination of its process had; no more than a report may say of it.
    pub frames: u64,
    at: u64,
}

impl Place {
    /// What no other block of its folder is called, whatever was damaged.
    #[must_use]
    pub fn name(&self) -> String {
        let file = self.path.file_name().unwrap_or_default().to_string_lossy();
        format!("{file}:{}", self.index)
    }
}

/// The blocks that are in use, the oldest first, and what cannot be understood.
#[derive(Debug, Default)]
pub struct Contents {
    /// In use.
    pub blocks: Vec<Place>,
    /// Not understood, and left where it is: why.
    pub bad: Vec<(PathBuf, String)>,
    /// Read as far as it goes: what is missing.
    pub cut: Vec<(PathBuf, String)>,
    /// When the oldest file was made, in nanoseconds since the Unix epoch; 0 if there is none.
    pub created: u64,
    /// Of all files.
    pub bytes: u64,
    /// Files that were read.
    files: Vec<PathBuf>,
}

/// A folder without files, or without an owner, may be one that is just being made; after so long it is not.
const YOUNG: Duration = Duration::from_secs(60);

/// The folders of processes under `path`, the oldest first, whether those live or not; without this process's own.
///
/// # Errors
/// If `path` is not ours alone, or cannot be read.
pub fn folders(path: &Path) -> io::Result<Vec<PathBuf>> {
    match check_folder(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        checked => checked?,
    }
    let mut folders: Vec<_> = std::fs::read_dir(path)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|folder| is_named_by_us(folder) && !is_own(folder))
        .collect();
    folders.sort();
    Ok(folders)
}

/// The folders under `path` whose processes have ended; of that service, if one is given.
///
/// # Errors
/// If `path` is not ours alone, or cannot be read. A folder in it that cannot be read is passed over.
pub fn orphans(path: &Path, service: Option<&str>) -> io::Result<Vec<Orphan>> {
    let found = folders(path)?
        .into_iter()
        .filter_map(|folder| Orphan::adopt(folder).ok().flatten());
    Ok(found.filter(|orphan| orphan.is_of(service)).collect())
}

fn is_own(folder: &Path) -> bool {
    std::fs::symlink_metadata(folder).is_ok_and(|found| own::contains(&found))
}

fn is_named_by_us(folder: &Path) -> bool {
    let name = folder.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Opens a file, if it is one: whoever opens a pipe would wait for ever.
fn open(path: &Path, is_written: bool) -> io::Result<File> {
    #[allow(clippy::cast_possible_wrap)]
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
    if !std::fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    OpenOptions::new()
        .read(true)
        .write(is_written)
        .custom_flags(flags)
        .open(path)
}

fn has_spans(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .into_iter()
        .any(|entry| entry.path().extension().is_some_and(|end| end == SUFFIX))
}

fn is_young(folder: &Path) -> bool {
    let changed = std::fs::symlink_metadata(folder).and_then(|found| found.modified());
    // A clock that was put back makes nothing old.
    changed.is_ok_and(|changed| changed.elapsed().map_or(true, |age| age < YOUNG))
}

/// How a folder is had.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum For {
    Delivery,
    /// Nothing is changed: it may lie on a disk that can only be read.
    Look,
}

/// The file that is locked; a new one, if it is missing though there are spans. And by which kind of lock.
fn lock_file(folder: &Path, what: For) -> io::Result<(File, FlockOperation)> {
    let path = folder.join(LOCK);
    let opened = match open(&path, true) {
        Err(error) if what == For::Look && error.raw_os_error() == Some(Errno::ROFS.raw_os_error()) => {
            // It can be had only where nobody has the other kind.
            return Ok((open(&path, false)?, FlockOperation::NonBlockingLockShared));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && has_spans(folder) => new_file(&path),
        opened => opened,
    };
    Ok((opened?, FlockOperation::NonBlockingLockExclusive))
}

fn owner(folder: &Path) -> io::Result<String> {
    let mut bytes = vec![0; OWNER_BYTES];
    let len = open(&folder.join(OWNER), false)?.read_at(&mut bytes, 0)?;
    Ok(String::from_utf8_lossy(&bytes[..len]).into_owned())
}

impl Orphan {
    /// Takes a folder, if nobody else has it, in this process or another, and it is not one that is just being made. Where nobody says whose it is its service's name is
    /// empty.
    ///
    /// # Errors
    /// If it is not ours alone, or has no lock that can be had, now or ever.
    pub fn adopt(folder: PathBuf) -> io::Result<Option<Self>> {
        Self::take(folder, For::Delivery)
    }

    /// The same for who only reads: also on a disk that cannot be written to.
    ///
    /// # Errors
    /// As those of [`adopt`](Self::adopt).
    pub fn look(folder: PathBuf) -> io::Result<Option<Self>> {
        Self::take(folder, For::Look)
    }

    fn take(folder: PathBuf, what: For) -> io::Result<Option<Self>> {
        let opened = check_folder(&folder)
            // Before the lock is opened: to close it again would give up that of whoever has it in this process.
            .and_then(|()| {
                own::claim(&folder)?
                    .map(|own| Ok((own, lock_file(&folder, what)?)))
                    .transpose()
            });
        let (own, (lock, operation)) = match opened {
            // Somebody else has just removed it, or is making it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => match opened? {
                Some(both) => both,
                None => return Ok(None),
            },
        };
        match fcntl_lock(&lock, operation) {
            Err(Errno::AGAIN | Errno::ACCESS) => return Ok(None),
            locked => locked?,
        }
        if lock.metadata()?.nlink() == 0 {
            return Ok(None); // who had it before has removed it
        }
        let service = owner(&folder);
        if service.is_err() && !has_spans(&folder) && is_young(&folder) {
            return Ok(None);
        }
        Ok(Some(Self {
            _own: own,
            folder,
            service: service.unwrap_or_default(),
            _lock: lock,
        }))
    }

    /// Whether it is of that service, or of any, if none is given.
    #[must_use]
    pub fn is_of(&self, service: Option<&str>) -> bool {
        service.is_none_or(|service| self.service == service)
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whose spans they are.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// What is there.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn contents(&self) -> io::Result<Contents> {
        let mut contents = Contents::default();
        for entry in std::fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let is_beside = |name| [LOCK, OWNER, PROGRESS].iter().any(|beside| name == *beside);
            if path.file_name().is_some_and(is_beside) || is_unfinished(&path) {
                continue;
            }
            if let Err(why) = contents.add(&path) {
                contents.bad.push((path, why));
            }
        }
        contents.blocks.sort_by_key(|place| place.number);
        contents.bad.sort();
        Ok(contents)
    }

    /// A block's frames.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn read(&self, place: &Place) -> io::Result<Option<Found>> {
        match Segment::of(open(&place.path, false)?)? {
            Ok(mut segment) => segment.block(place.index),
            Err(_) => Ok(None),
        }
    }

    /// Which destinations have which blocks.
    ///
    /// # Errors
    /// If that cannot be read.
    pub fn progress(&self) -> io::Result<Progress> {
        Progress::read(&self.folder)
    }

    /// That destination does not need that block again, also after a restart.
    ///
    /// # Errors
    /// If it cannot be written: it is sent the block again.
    pub fn note(&self, place: &Place, destination: &str) -> io::Result<()> {
        Progress::append(&self.folder, &place.name(), destination)
    }

    /// The block's frames are delivered.
    ///
    /// # Errors
    /// If the file cannot be written to.
    pub fn free(&self, place: &Place) -> io::Result<()> {
        let file = open(&place.path, true)?;
        file.write_all_at(&FREE.to_le_bytes(), place.at + word::STATE as u64)
    }

    /// Removes the folder and all files in it but those that are not understood; whether all is gone.
    ///
    /// # Errors
    /// If one of them cannot be removed.
    pub fn remove(self, contents: &Contents) -> io::Result<bool> {
        for path in &contents.files {
            std::fs::remove_file(path)?;
        }
        if !contents.bad.is_empty() {
            return Ok(false);
        }
        for entry in std::fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if is_unfinished(&path) {
                std::fs::remove_file(path)?;
            }
        }
        for name in [PROGRESS, OWNER, LOCK] {
            match std::fs::remove_file(self.folder.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        std::fs::remove_dir(&self.folder).map(|()| true)
    }
}

/// A file that was to be one of spans.
fn is_unfinished(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "new")
}

impl Contents {
    /// Adds a file's blocks, or says why it is not understood.
    fn add(&mut self, path: &Path) -> Result<(), String> {
        if path.extension().is_none_or(|end| end != SUFFIX) {
            return Err("it is not of spanwire's".to_owned());
        }
        let file = open(path, false).map_err(|error| error.to_string())?;
        let len = file.metadata().map_err(|error| error.to_string())?.len();
        self.bytes += len;
        let segment = Segment::of(file).map_err(|error| error.to_string())?;
        let segment = segment.map_err(|why| why.to_string())?;
        let Header { shape, created, .. } = segment.header;
        self.created = match self.created {
            0 => created,
            before if created == 0 => before, // not known
            before => before.min(created),
        };
        let mut lost = Vec::new();
        for index in 0..shape.blocks {
            let at = shape.block(index) as u64;
            let word = |word: usize| segment.word(at + word as u64);
            let (Some(state), Some(number)) = (word(word::STATE), word(word::NUMBER)) else {
                continue;
            };
            // A state that is none is one that was damaged.
            if state != FREE {
                let committed = word(word::COMMITTED).map_or(0, |word| format::halves(word).0);
                let done = word(word::DONE).and_then(format::once).unwrap_or(0);
                self.blocks.push(Place {
                    path: path.to_owned(),
                    index,
                    number,
                    frames: u64::from(committed.saturating_sub(done)),
                    at,
                });
            } else if segment.since() == Since::Then // else it was begun, and not on the disk yet
                && number == 0
                && segment.word(shape.heads(index) as u64).is_some_and(|group| group != 0)
            {
                lost.push(index.to_string());
            }
        }
        if !lost.is_empty() {
            return Err(format!("the headers of its blocks {} are lost", lost.join(", ")));
        }
        let whole = shape.file_len() as u64;
        if len < whole {
            let what = format!("its end is missing: there are {len} bytes of {whole}");
            self.cut.push((path.to_owned(), what));
        }
        self.files.push(path.to_owned());
        Ok(())
    }
}

// A disk writes so much at once: all words, or none.
const _: () = assert!(word::SEALS[1] + 8 <= 512);
