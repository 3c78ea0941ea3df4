//! Which file systems keep what is written into mapped memory of an allocated file. Where one may find later that it has no room, or
//! no server, the process that writes is killed by SIGBUS. So only those are mapped that are known to keep it; all others are
//! written to by write(2), whose error is counted.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{OFlags, statfs};

/// When files are mapped.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum MapPolicy {
    /// Where the file system is known to keep what is written into mapped memory.
    #[default]
    Auto,
    /// On every file system that maps and allocates files.
    Always,
    /// Nowhere: a file cut short by others, or a disk that fails, does not end the process.
    Never,
}

/// Those that keep it, by the number that statfs(2) gives. Each allocates the blocks of a file in fallocate(2) and overwrites them in
/// place, so a later write of a page needs no room.
///
/// Left out with reason: f2fs writes to a new place each time, and btrfs, bcachefs and ZFS do unless told otherwise; network file systems
/// and FUSE may lose their server; ramfs allocates nothing. ext2 and ext3 have ext4's number and refuse fallocate(2).
const KEEPS: [(u32, &str); 3] = [(0xef53, "ext4"), (0x5846_5342, "xfs"), (0x0102_1994, "tmpfs")];

/// Names of others, for reports.
const OTHERS: [(u32, &str); 12] = [
    (0x6969, "nfs"),
    (0x517b, "smb"),
    (0xff53_4d42, "cifs"),
    (0xfe53_4d42, "smb2"),
    (0x6573_5546, "fuse"),
    (0x9123_683e, "btrfs"),
    (0x2fc1_2fc1, "zfs"),
    (0x0102_1997, "9p"),
    (0x00c3_6400, "ceph"),
    (0xca45_1a4e, "bcachefs"),
    (0xf2f5_2010, "f2fs"),
    (0x8584_58f6, "ramfs"),
];
const OVERLAY: u32 = 0x794c_7630;

/// The file system of a path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FileSystem {
    /// What people call it: `ext4`, `overlay on xfs`; `overlay` where its upper layer cannot be seen.
    pub name: String,
    /// Whether it keeps what is written into mapped memory of an allocated file.
    pub keeps_mapped: bool,
}

impl FileSystem {
    /// That of an existing path.
    ///
    /// # Errors
    /// If the path cannot be asked about.
    pub fn of(path: &Path) -> io::Result<Self> {
        let kind = kind(path)?;
        if kind != OVERLAY {
            return Ok(Self::named(kind));
        }
        // What counts is the layer that it writes to, which a container mostly cannot see.
        let upper = upper_folder(path)?;
        let layer = upper.and_then(|upper| self::kind(&upper).ok());
        Ok(match layer {
            Some(kind) if kind != OVERLAY => {
                let Self { name, keeps_mapped } = Self::named(kind);
                Self {
                    name: format!("overlay on {name}"),
                    keeps_mapped,
                }
            }
            _ => Self {
                name: "overlay".to_owned(),
                keeps_mapped: false,
            },
        })
    }

    fn named(kind: u32) -> Self {
        let name = |list: &[(u32, &str)]| {
            let found = list.iter().find(|(number, _)| *number == kind);
            found.map(|(_, name)| (*name).to_owned())
        };
        let known = name(&KEEPS);
        Self {
            keeps_mapped: known.is_some(),
            name: known
                .or_else(|| name(&OTHERS))
                .unwrap_or_else(|| format!("unknown file system 0x{kind:x}")),
        }
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // the numbers have 32 bits
fn kind(path: &Path) -> io::Result<u32> {
    Ok(statfs(path)?.f_type as u32)
}

/// The folder that the overlay of a path writes to, as its mount says.
fn upper_folder(path: &Path) -> io::Result<Option<PathBuf>> {
    #[allow(clippy::cast_possible_wrap)]
    let flags = OFlags::PATH.bits() as i32;
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let mounts = fs::read("/proc/self/mountinfo")?;
    Ok(mount_id(&opened)?.and_then(|id| upper_of(&mounts, id)))
}

/// The number of the mount that an open file is on: no comparison of paths, which mounts may cover and escapes may change.
fn mount_id(opened: &File) -> io::Result<Option<u64>> {
    let facts = fs::read_to_string(format!("/proc/self/fdinfo/{}", opened.as_raw_fd()))?;
    let id = facts.lines().find_map(|line| line.strip_prefix("mnt_id:"));
    Ok(id.and_then(|id| id.trim().parse().ok()))
}

/// The option `upperdir` of a mount, from the lines of mountinfo.
fn upper_of(mounts: &[u8], id: u64) -> Option<PathBuf> {
    let id = id.to_string();
    let line = mounts
        .split(|&byte| byte == b'\n')
        .find(|line| line.split(|&byte| byte == b' ').next() == Some(id.as_bytes()))?;
    let options = line.rsplit(|&byte| byte == b' ').next()?;
    let upper = options
        .split(|&byte| byte == b',')
        .find_map(|option| option.strip_prefix(b"upperdir="))?;
    Some(PathBuf::from(std::ffi::OsString::from_vec(unescaped(upper))))
}

/// The bytes behind the kernel's escapes: `\040` is a blank.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.first_chunk::<3>().filter(|_| first == b'\\');
        let byte = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &after[3..] } else { after };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &[u8] = b"\
22 1 254:1 / / rw,relatime - ext4 /dev/root rw
30 22 0:25 / /merged rw - overlay overlay rw,lowerdir=/lower,upperdir=/somewhere/upper,workdir=/work
31 30 0:26 / /merged/tmp rw - tmpfs tmpfs rw
32 22 0:27 / /my\\040merged rw - overlay overlay rw,lowerdir=/lower,upperdir=/my\\040data\\054\\134here/upper,workdir=/work
";

    #[test]
    fn the_upper_folder_is_that_of_the_mount_with_that_number() {
        let upper = |id| upper_of(MOUNTS, id);
        assert_eq!(upper(30), Some(PathBuf::from("/somewhere/upper")));
        assert_eq!(upper(31), None);
        assert_eq!(upper(3), None);
    }

    #[test]
    fn escapes_in_paths_are_undone() {
        assert_eq!(upper_of(MOUNTS, 32), Some(PathBuf::from("/my data,\\here/upper")));
        for (text, bytes) in [
            ("a\\0", "a\\0"),
            ("\\999", "\\999"),
            ("\\", "\\"),
            ("\\040\\011", " \t"),
        ] {
            assert_eq!(unescaped(text.as_bytes()), bytes.as_bytes());
        }
    }

    #[test]
    fn a_mount_is_found_by_its_number() {
        let place = tempfile::tempdir().expect("a folder");
        let opened = File::open(place.path()).expect("open");
        let id = mount_id(&opened).expect("proc").expect("a number").to_string();
        let mounts = fs::read_to_string("/proc/self/mountinfo").expect("proc");
        assert!(mounts.lines().any(|line| line.split(' ').next() == Some(&id)), "{id}");
    }

    #[test]
    fn only_file_systems_that_are_known_to_keep_it_are_mapped() {
        let found = |kind| {
            let FileSystem { name, keeps_mapped } = FileSystem::named(kind);
            (name, keeps_mapped)
        };
        for (kind, name) in KEEPS {
            assert_eq!(found(kind), (name.to_owned(), true));
        }
        for (kind, name) in OTHERS {
            assert_eq!(found(kind), (name.to_owned(), false));
        }
        // Lustre, GPFS and all that come.
        assert_eq!(found(0x0bd0_0bd0), ("unknown file system 0xbd00bd0".to_owned(), false));
    }
}
