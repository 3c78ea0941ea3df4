//! Whether a file system keeps what is written into mapped memory of an allocated file: where it may find later that it has no room,
//! or no server, the process that writes would be killed by SIGBUS.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::statfs;

/// Those that cannot, by the number that statfs(2) tells.
const NOT: [(u32, &str); 10] = [
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
];
const OVERLAY: u32 = 0x794c_7630;

/// Why not; `None`: it does.
///
/// # Errors
/// If the path cannot be asked about.
pub fn why_not(path: &Path) -> io::Result<Option<String>> {
    let kind = kind(path)?;
    if kind == OVERLAY {
        // What matters is where it keeps what is written, which a container mostly cannot see.
        let upper = upper_folder(path)?;
        return Ok(match upper.as_deref().map(self::kind) {
            Some(Ok(kind)) if kind != OVERLAY => named(kind).map(|name| format!("overlay on {name}")),
            _ => Some("overlay".to_owned()),
        });
    }
    Ok(named(kind).map(str::to_owned))
}

fn named(kind: u32) -> Option<&'static str> {
    NOT.iter().find(|(number, _)| *number == kind).map(|(_, name)| *name)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // the numbers have 32 bits
fn kind(path: &Path) -> io::Result<u32> {
    Ok(statfs(path)?.f_type as u32)
}

/// Where the overlay that a path lies on keeps what is written, as its mount says.
fn upper_folder(path: &Path) -> io::Result<Option<PathBuf>> {
    let path = fs::canonicalize(path)?;
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    Ok(upper_of(&mounts, &path))
}

fn upper_of(mounts: &str, path: &Path) -> Option<PathBuf> {
    let mut best: Option<(usize, &str)> = None;
    for line in mounts.lines() {
        let Some(place) = line.split(' ').nth(4) else { continue };
        let depth = Path::new(place).components().count();
        // Of two at the same place the later one covers the other.
        if path.starts_with(place) && best.is_none_or(|(deepest, _)| depth >= deepest) {
            best = Some((depth, line));
        }
    }
    let (_, options) = best?.1.rsplit_once(' ')?;
    let upper = options.split(',').find_map(|option| option.strip_prefix("upperdir="))?;
    Some(PathBuf::from(upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 254:1 / / rw,relatime - ext4 /dev/root rw
30 22 0:25 / /merged rw - overlay overlay rw,lowerdir=/lower,upperdir=/somewhere/upper,workdir=/work
31 30 0:26 / /merged/tmp rw - tmpfs tmpfs rw
";

    #[test]
    fn the_upper_folder_is_that_of_the_mount_the_path_lies_on() {
        let upper = |path| upper_of(MOUNTS, Path::new(path));
        assert_eq!(upper("/merged/queue"), Some(PathBuf::from("/somewhere/upper")));
        assert_eq!(upper("/merged/tmp/queue"), None);
        assert_eq!(upper("/mergedqueue"), None);
    }

    #[test]
    fn names_are_told() {
        assert_eq!(named(0x6969), Some("nfs"));
        assert_eq!(named(0xef53), None); // ext4
    }
}
