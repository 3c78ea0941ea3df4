//! Quiet threads: signals are delivered to the application's threads, never to one of spanwire's.

use std::io;
use std::thread::{self, JoinHandle};

use crate::ffi::signals;

/// Starts a thread that no signal is delivered to, from its first instruction on. A signal that one of its own instructions raises
/// (a fault) still reaches its handler.
///
/// # Errors
/// If the system has no thread left.
pub fn spawn_quietly<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    let builder = thread::Builder::new().name(name.to_owned());
    signals::while_blocked(|| builder.spawn(body))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// The signals that this thread blocks, as the kernel says.
    fn blocked() -> u64 {
        let status = std::fs::read_to_string("/proc/thread-self/status").expect("proc");
        let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:"));
        u64::from_str_radix(mask.expect("a mask").trim(), 16).expect("hexadecimal")
    }

    const fn bit(signal: i32) -> u64 {
        1 << (signal - 1)
    }

    #[test]
    fn a_quiet_thread_blocks_signals_of_others_and_no_faults_of_its_own() {
        let before = blocked();
        let quiet = spawn_quietly("quiet", || (blocked(), thread::current().name().map(str::to_owned)));
        let (mask, name) = quiet.expect("a thread").join().expect("it ended");
        assert_eq!(name.as_deref(), Some("quiet"));
        for signal in [
            libc::SIGTERM,
            libc::SIGINT,
            libc::SIGHUP,
            libc::SIGUSR1,
            libc::SIGALRM,
            libc::SIGPROF,
            libc::SIGCHLD,
        ] {
            assert_ne!(mask & bit(signal), 0, "{signal}");
        }
        for fault in [libc::SIGBUS, libc::SIGSEGV, libc::SIGFPE, libc::SIGILL] {
            assert_eq!(mask & bit(fault), 0, "{fault}");
        }
        assert_eq!(blocked(), before, "the caller's own are as they were");
    }
}
