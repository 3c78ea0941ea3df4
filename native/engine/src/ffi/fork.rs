//! What the engine does at a fork.
//!
//! Every lock of this crate and its transport is taken before, so a child finds their data whole. The child closes the inherited
//! descriptors (epoll first, then sockets, without a word to their peers), marks the state for a reset, and frees nothing: the worker's
//! runtime, its tasks and its TLS sessions are leaked. The order of the locks: [`spanwire_ground::Part`].

use std::sync::MutexGuard;

use spanwire_ground::{Hook, Part, descriptors, watch_by};
use spanwire_transport::fresh;

use crate::process;
use crate::process::Process;
use crate::process::buffer;
use crate::process::events::{self, Events};

static HOOK: Hook<Held> = Hook::new(hold, child);

/// Every lock, in the order in which they nest.
struct Held {
    process: MutexGuard<'static, Process>,
    descriptors: descriptors::Held,
    _fresh: fresh::Held,
    _buffers: MutexGuard<'static, Vec<Vec<u8>>>,
    events: MutexGuard<'static, Events>,
}

/// Sees to it that forks are noticed from now on.
pub(crate) fn watch() -> std::io::Result<()> {
    watch_by(Part::Engine, &HOOK)
}

fn hold() -> Held {
    Held {
        process: process::hold(),
        descriptors: descriptors::hold(),
        _fresh: fresh::hold(),
        _buffers: buffer::hold(),
        events: events::hold(),
    }
}

fn child(mut held: Held) {
    // SAFETY: the listed descriptors belong to a runtime that no thread of this process runs any more.
    held.descriptors
        .drain(|descriptor| unsafe { spanwire_ground::close(descriptor) });
    held.process.forked = true;
    held.events.begin_again();
}

#[cfg(test)]
mod tests {
    use spanwire_wire::Signal;

    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex, mpsc};
    use std::thread;
    use std::time::Duration;

    use crate::client::Submitted;
    use crate::process::buffer::Buffer;
    use spanwire_ground::testing::fork_and_wait;

    use crate::testing::{backend, backend_after, client_within};
    use crate::{Answer, Client};

    /// More than a busy machine takes for anything here; nothing waits for it to pass.
    const LONG: Duration = Duration::from_secs(60);

    fn export(client: &Client, limit: Duration) -> Option<Answer> {
        let mut body = Buffer::take();
        body.extend_from_slice(b"body!");
        match client.submit(Signal::Traces, body, 1) {
            Submitted::Answered(answer) => Some(answer),
            Submitted::UnderWay(ticket) => ticket.wait(limit),
        }
    }

    #[test]
    fn a_child_forked_while_the_worker_is_busy_has_a_worker_and_counts_of_its_own() {
        let endpoint = backend("200 OK", Duration::ZERO).endpoint;
        let client = Arc::new(client_within(&endpoint, LONG));
        let stop = Arc::new(AtomicBool::new(false));
        let busy: Vec<_> = (0..3)
            .map(|_| {
                let (client, stop) = (Arc::clone(&client), Arc::clone(&stop));
                thread::spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        assert_eq!(export(&client, LONG), Some(Answer::default()));
                    }
                })
            })
            .collect();
        let generation = spanwire_ground::generation();
        for _ in 0..50 {
            let good = fork_and_wait(|| {
                spanwire_ground::generation() == generation + 1
                    && !crate::accounts(Signal::Traces).contains_key(&client.name())
                    && export(&client, LONG) == Some(Answer::default())
                    && client.force_flush(LONG)
                    && crate::accounts(Signal::Traces)[&client.name()].exported == 1
                    && client.shutdown(LONG)
            });
            assert!(good);
        }
        stop.store(true, Ordering::Relaxed);
        for thread in busy {
            thread.join().expect("exports in the parent go on");
        }
        assert_eq!(spanwire_ground::generation(), generation);
        let account = &crate::accounts(Signal::Traces)[&client.name()];
        assert_eq!((account.accepted, account.queued), (account.exported, 0));
    }

    #[test]
    fn a_child_does_not_wait_for_what_its_parent_has_under_way() {
        let (go_on, wait) = mpsc::channel();
        let wait = Mutex::new(wait);
        // It is under way until everything here has been asked, however late that is.
        let held = backend_after("200 OK", move || wait.lock().expect("whole").recv().expect("told"));
        let client = Arc::new(client_within(&held.endpoint, LONG));
        let (sender, answered) = mpsc::channel();
        let parent = Arc::clone(&client);
        thread::spawn(move || sender.send(export(&parent, LONG)));
        while crate::accounts(Signal::Traces)
            .get(&client.name())
            .is_none_or(|account| account.queued == 0)
        {
            thread::yield_now();
        }
        assert!(fork_and_wait(
            || client.force_flush(Duration::ZERO) && client.shutdown(Duration::ZERO)
        ));
        assert!(!client.force_flush(Duration::ZERO));
        go_on.send(()).expect("waited for");
        assert_eq!(answered.recv().expect("answered"), Some(Answer::default()));
    }

    #[test]
    fn a_child_closes_the_inherited_epoll() {
        let _alone = crate::epoll::tests::ALONE.lock();
        let client = client_within(&backend("200 OK", Duration::ZERO).endpoint, LONG);
        assert_eq!(export(&client, LONG), Some(Answer::default()));
        assert!(fork_and_wait(|| {
            let names = std::fs::read_dir("/proc/self/fd").expect("proc").flatten();
            let targets: Vec<_> = names.filter_map(|name| std::fs::read_link(name.path()).ok()).collect();
            !targets
                .iter()
                .any(|target| target.to_string_lossy().contains("[eventpoll]"))
        }));
    }
}
