//! Forks for tests.

/// Runs `child` in a forked child; what it answered there, or none if it came to another end.
///
/// # Panics
/// If there is no pipe for the answer.
pub fn in_fork<const N: usize>(child: impl FnOnce() -> [u8; N]) -> Option<[u8; N]> {
    let mut ends = [0; 2];
    // SAFETY: writes two descriptors.
    assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0, "a pipe");
    // SAFETY: the child runs `child`, writes its answer and leaves without destructors or exit handlers.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let answer = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child));
        // SAFETY: writes the answer's bytes, then ends the child.
        unsafe {
            if let Ok(answer) = answer {
                libc::write(ends[1], answer.as_ptr().cast(), N);
            }
            libc::_exit(0);
        }
    }
    let mut answer = [0; N];
    // SAFETY: the parent's ends of the pipe above and its own child; reads at most N bytes.
    unsafe {
        libc::close(ends[1]);
        let read = if pid > 0 {
            libc::read(ends[0], answer.as_mut_ptr().cast(), N)
        } else {
            -1
        };
        libc::close(ends[0]);
        if pid > 0 {
            libc::waitpid(pid, std::ptr::null_mut(), 0);
        }
        (usize::try_from(read) == Ok(N)).then_some(answer)
    }
}

/// Runs `child` in a forked child; whether it answered true there.
pub fn fork_and_wait(child: impl FnOnce() -> bool) -> bool {
    in_fork(|| [u8::from(child())]) == Some([1])
}
