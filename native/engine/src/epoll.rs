//! Which descriptors a tokio runtime uses for itself. tokio does not say, but the kernel does: `/proc/self/fdinfo` of an
//! epoll descriptor lists what is registered with it.

use std::fs;
use std::os::fd::{AsRawFd, RawFd};

use tokio::net::UnixStream;
use tokio::runtime::Runtime;

/// The epoll descriptors of `runtime` and the event descriptor that wakes it. Empty without `/proc`: a child then keeps a
/// few unused descriptors.
pub fn descriptors(runtime: &Runtime) -> Vec<RawFd> {
    let _inside = runtime.enter();
    let Ok((probe, peer)) = UnixStream::pair() else {
        return Vec::new();
    };
    let Ok(entries) = fs::read_dir("/proc/self/fd") else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut wakers = Vec::new();
    for entry in entries.flatten() {
        let is_epoll = fs::read_link(entry.path()).is_ok_and(|target| target.as_os_str() == "anon_inode:[eventpoll]");
        let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let (true, Some(number)) = (is_epoll, number) else {
            continue;
        };
        let registered = registered(number);
        if registered.contains(&probe.as_raw_fd()) {
            found.push(number);
            wakers = registered;
        }
    }
    wakers.retain(|&descriptor| descriptor != probe.as_raw_fd() && descriptor != peer.as_raw_fd());
    found.extend(wakers);
    found
}

/// Targets of an epoll descriptor: lines like `tfd:        5 events: ...`.
fn registered(epoll: RawFd) -> Vec<RawFd> {
    let Ok(info) = fs::read_to_string(format!("/proc/self/fdinfo/{epoll}")) else {
        return Vec::new();
    };
    info.lines()
        .filter_map(|line| line.strip_prefix("tfd:")?.split_whitespace().next()?.parse().ok())
        .collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Mutex;

    use super::*;

    /// For tests that count this process's epoll descriptors.
    pub static ALONE: Mutex<()> = Mutex::new(());

    #[test]
    fn a_runtime_has_two_epoll_descriptors_and_a_waker_and_only_its_own_are_found() {
        let _alone = ALONE.lock();
        let other = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("runtime");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("runtime");
        let (mine, others) = (descriptors(&runtime), descriptors(&other));
        assert!(mine.len() >= 2, "{mine:?}");
        assert!(
            mine.iter().all(|descriptor| !others.contains(descriptor)),
            "{mine:?} {others:?}"
        );
        for descriptor in mine {
            let target = fs::read_link(format!("/proc/self/fd/{descriptor}")).expect("open");
            assert!(target.to_string_lossy().starts_with("anon_inode:[event"), "{target:?}");
        }
    }
}
