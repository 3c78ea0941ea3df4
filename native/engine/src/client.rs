//! An exporter's handle on the worker.

use std::sync::Arc;
use std::time::{Duration, Instant};

use spanwire_queue::Lane;
use spanwire_transport::Config;
use spanwire_wire::Signal;

use crate::delivery::drive::{BatchLimits, Drive};
use crate::delivery::payload::Payload;
use crate::ffi::fork;
use crate::process;
use crate::process::account::DropReason;
use crate::process::buffer::Buffer;
use crate::process::ledger::Ledger;
use crate::process::mailbox::Command;
use crate::process::sender::{Begun, LONGEST, Sender};
use crate::process::ticket::{Answer, Ticket};
use crate::stage::Stages;
use crate::worker::{self, Job, Task};

/// A destination with its limits. Any number of threads may use it; it survives a fork, on both sides.
#[derive(Debug)]
pub struct Client {
    sender: Arc<Sender>,
}

/// A moment in the order of requests.
#[derive(Clone, Copy, Debug)]
pub struct Mark(u64);

/// A request on its way, or what became of it at once.
pub enum Submitted {
    /// Refused before it was sent.
    Answered(Answer),
    /// The worker has it.
    UnderWay(Ticket),
}

impl Client {
    /// A client; its worker starts with its first request. `timeout` covers all tries of a request, `max_request` is in
    /// bytes before compression.
    pub fn new(config: Config, timeout: Duration, max_request: Option<usize>) -> std::io::Result<Self> {
        let mut process = process::lock();
        process.watch_forks(fork::watch)?;
        let id = process.new_id();
        config.name().clone_into(&mut process.client(id).destination);
        Ok(Self {
            sender: Arc::new(Sender::new(id, config, timeout, max_request)),
        })
    }

    /// The same, but what is driven to it is taken and comes to nothing: to measure all that is in front of a destination.
    #[must_use]
    pub fn discarding(mut self) -> Self {
        if let Some(sender) = Arc::get_mut(&mut self.sender) {
            sender.discard();
        }
        self
    }

    /// The destination's name in statistics and messages.
    #[must_use]
    pub fn name(&self) -> String {
        self.sender.name()
    }

    /// Soon, between two requests, everything goes by this configuration: endpoint, headers, TLS, compression. What is under way is not
    /// touched.
    pub fn reconfigure(&self, config: Config) {
        let config = Arc::new(config);
        let mut process = process::lock();
        if !process.has_worker() {
            process.configure(self.sender.client(), config);
            return;
        }
        let unsent = process.tell(Command::Configure(self.sender.client(), config));
        drop(process);
        drop(unsent);
    }

    /// From its next request on, what it is driven passes these stages.
    pub fn set_stages(&self, stages: Stages) {
        process::lock().client(self.sender.client()).stages = stages;
    }

    /// From now on, in each process, what becomes of what it is driven with is kept for [`take_ledger`](Self::take_ledger).
    pub fn keep_ledger(&self) {
        process::lock()
            .client(self.sender.client())
            .ledger
            .get_or_insert_default();
    }

    /// What became of what it is driven with, since the last call.
    #[must_use]
    pub fn take_ledger(&self) -> Ledger {
        let mut process = process::lock();
        process
            .ledger(self.sender.client())
            .map(std::mem::take)
            .unwrap_or_default()
    }

    /// Counts items that are lost before there is a request.
    #[must_use]
    pub fn lose(&self, signal: Signal, items: u64, reason: DropReason, message: String) -> Answer {
        self.sender.lose(signal, items, reason, message)
    }

    #[cfg(test)]
    pub(crate) fn sender(&self) -> Arc<Sender> {
        Arc::clone(&self.sender)
    }

    /// Has the worker send what waits in a lane and will come, until the lane has ended; one call a process for a lane.
    pub fn drive(&self, lane: Arc<Lane>, limits: BatchLimits) -> std::io::Result<()> {
        let mut process = process::lock();
        let dead = process.start_worker(worker::start)?;
        let drive = Drive::new(lane, Arc::clone(&self.sender), limits);
        let unsent = process.tell(Command::Carry(Box::new(Task::Drive(Box::new(drive)))));
        drop(process);
        drop(dead);
        match unsent.and_then(Task::of) {
            Some(Task::Drive(drive)) => {
                drive.disarm();
                Err(std::io::Error::other("the worker has ended"))
            }
            _ => Ok(()),
        }
    }

    /// Takes an encoded request of `signal` with so many items, packs it here, and gives it to the worker. The time limit begins now.
    #[must_use]
    pub fn submit(&self, signal: Signal, body: Buffer, items: u64) -> Submitted {
        let deadline = Instant::now() + self.sender.timeout();
        let config = self.sender.config();
        let mut payload = Payload::new(signal, body.freeze(), items);
        // What is too large is cut by the worker.
        if !self.sender.is_over(payload.len())
            && let Err(error) = payload.pack_here(&config)
        {
            return Submitted::Answered(self.sender.lose(signal, items, DropReason::Encode, error.to_string()));
        }
        let Begun {
            deadline,
            under_way,
            ticket,
        } = match self.sender.begin(signal, items, deadline) {
            Ok(begun) => begun,
            Err(answer) => return Submitted::Answered(answer),
        };
        let mut process = process::lock();
        let dead = match process.start_worker(worker::start) {
            Ok(dead) => dead,
            Err(error) => {
                drop(process); // settling takes the lock
                let message =
                    format!("the worker cannot start: {error}; is there a limit on threads (ulimit -u, pids)?");
                under_way.fail(DropReason::Internal, message);
                return Submitted::UnderWay(ticket);
            }
        };
        let unsent = process.tell(Command::Carry(Box::new(Task::Export(Box::new(Job {
            sender: Arc::clone(&self.sender),
            payload,
            deadline,
            under_way,
        })))));
        drop(process);
        drop((dead, unsent)); // jobs answer for themselves
        Submitted::UnderWay(ticket)
    }

    /// Whether its destination has taken nothing since `start` for so long that it counts as one that takes nothing.
    #[must_use]
    pub fn is_stalled(&self, start: Instant, patience: Duration) -> bool {
        let progress = self.sender.progress();
        tokio::time::Instant::now() >= progress.stalls_at(start.into(), patience.min(LONGEST))
    }

    /// Waits for the requests submitted so far, in this process; whether all were answered within `timeout`.
    #[must_use]
    pub fn force_flush(&self, timeout: Duration) -> bool {
        self.flushed(self.mark(), timeout)
    }

    /// Divides the requests submitted so far from those to come.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark(process::lock().new_id())
    }

    /// Waits for the requests before `mark`; whether all were answered within `timeout`. May be called again.
    #[must_use]
    pub fn flushed(&self, mark: Mark, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout.min(LONGEST);
        let mut process = process::lock();
        while process
            .client(self.sender.client())
            .under_way
            .first()
            .is_some_and(|&oldest| oldest < mark.0)
        {
            let in_time;
            (process, in_time) = process::wait(process, deadline);
            if !in_time {
                return false;
            }
        }
        true
    }

    /// Takes no more. Back-offs end at once, tries under way within `timeout`; whether nothing is left under way.
    #[must_use]
    pub fn shutdown(&self, timeout: Duration) -> bool {
        if self.close(timeout) {
            return self.force_flush(timeout);
        }
        process::lock().client(self.sender.client()).under_way.is_empty()
    }

    /// The first half of [`shutdown`](Self::shutdown), which does not wait; false if it was called before.
    #[must_use]
    pub fn close(&self, timeout: Duration) -> bool {
        let by = Instant::now() + timeout.min(LONGEST);
        let mut process = process::lock();
        if std::mem::replace(&mut process.client(self.sender.client()).is_closed, true) {
            return false;
        }
        let undelivered = process.tell(Command::Close(self.sender.client(), by));
        drop(process);
        drop(undelivered);
        true
    }

    /// Whether [`shutdown`](Self::shutdown) was called.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        process::lock().client(self.sender.client()).is_closed
    }
}

#[cfg(test)]
mod tests {
    use spanwire_queue::{Group, Limits, Writer};

    use super::*;
    use crate::testing::{backend, client};

    const WAIT: Duration = Duration::from_secs(60);

    fn request(items: usize) -> Buffer {
        let (mut writer, lane) = Writer::new(Signal::Logs, Limits::default()).expect("fork handlers");
        let group = Arc::new(Group::default());
        for _ in 0..items {
            let _ = writer.append(&group, 50, |out| out.raw(&[7; 50]));
        }
        Buffer::of(&lane.take(items, usize::MAX).expect("all").request())
    }

    #[test]
    fn each_signal_goes_to_its_own_path_and_has_its_own_account() {
        let backend = backend("200 OK", Duration::ZERO);
        let client = client(&backend.endpoint);
        for (items, signal) in (1..).zip(Signal::ALL) {
            let Submitted::UnderWay(ticket) = client.submit(signal, request(items), items as u64) else {
                panic!("not sent")
            };
            assert!(ticket.wait(WAIT).is_some());
        }
        drop(client.lose(Signal::Logs, 5, DropReason::Encode, "for a test".into()));
        let paths = backend.paths.lock().expect("no panic").clone();
        assert_eq!(paths, Signal::ALL.map(Signal::path));
        for (items, signal) in (1..).zip(Signal::ALL) {
            let account = process::accounts(signal)[&client.name()].clone();
            let lost = if signal == Signal::Logs { 5 } else { 0 };
            assert_eq!(
                (account.accepted, account.exported, account.queued, account.requests),
                (items + lost, items, 0, 1)
            );
            assert_eq!(account.dropped.values().sum::<u64>(), lost);
        }
    }

    #[test]
    fn a_queue_of_log_records_is_driven_to_their_path() {
        let backend = backend("200 OK", Duration::ZERO);
        let client = client(&backend.endpoint);
        let (mut writer, lane) = Writer::new(Signal::Logs, Limits::default()).expect("fork handlers");
        let lane = Arc::new(lane);
        lane.want_reader();
        assert!(lane.begin_reader());
        let limits = BatchLimits {
            items: 2,
            bytes: 1 << 20,
            delay: WAIT,
            in_flight: 1,
            backlog: 0,
        };
        client.drive(Arc::clone(&lane), limits).expect("a worker");
        let group = Arc::new(Group::default());
        for _ in 0..3 {
            let _ = writer.append(&group, 50, |out| out.raw(&[7; 50]));
        }
        assert!(lane.wait_done(lane.flush(), lane.generation(), Instant::now() + WAIT));
        assert_eq!(*backend.paths.lock().expect("no panic"), ["/v1/logs"; 2]);
        let account = process::accounts(Signal::Logs)[&client.name()].clone();
        assert_eq!((account.accepted, account.exported), (3, 3));
        assert!(!process::accounts(Signal::Traces).contains_key(&client.name()));
    }
}
