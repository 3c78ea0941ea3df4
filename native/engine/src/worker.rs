//! The worker's thread: a tokio runtime that sends what clients give it. It never calls Python.

use std::collections::HashMap;
use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use spanwire_ground::{descriptors, spawn_quietly};
use spanwire_transport::balancer::Strategy;
use spanwire_transport::deliver::Closing;
use spanwire_transport::{Accepted, Config, Destination, Request, SendError, Tally};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};

use crate::delivery::drive::Drive;
use crate::delivery::payload::Payload;
use crate::delivery::request::{Origin, RequestDelivery};
use crate::delivery::route::Route;
use crate::delivery::spread::Spread;
use crate::delivery::target::Target;
use crate::process::breakers::Watched;
use crate::process::mailbox::{Command, Mailbox};
use crate::process::sender::Sender;
use crate::process::ticket::UnderWay;
use crate::{epoll, ffi, process};

/// What the worker carries out.
pub enum Task {
    /// Send.
    Export(Box<Job>),
    /// Send what waits in a lane, and go on with it.
    Drive(Box<Drive>),
}

impl Task {
    /// The task of a command, if it has one.
    pub fn of(command: Command) -> Option<Self> {
        match command {
            Command::Carry(task) => task.downcast().ok().map(|task| *task),
            _ => None,
        }
    }
}

/// One request to be delivered, whose caller waits.
pub struct Job {
    pub sender: Arc<Sender>,
    pub payload: Payload,
    pub deadline: Instant,
    pub under_way: UnderWay,
}

/// Starts the thread. Signals are left to the application's threads.
pub fn start() -> io::Result<Mailbox> {
    let runtime = runtime()?;
    let (mailbox, commands) = Mailbox::new();
    spawn_quietly("spanwire", move || {
        ffi::do_not_preempt();
        runtime.inner.block_on(run(commands));
    })?;
    Ok(mailbox)
}

/// A runtime whose descriptors are listed for forked children while they exist: also if its thread could not be started
/// or has panicked, for the application may get the same numbers afterwards.
struct ListedRuntime {
    inner: Runtime,
    descriptors: Vec<RawFd>,
}

impl Drop for ListedRuntime {
    fn drop(&mut self) {
        // Before the runtime goes, whose sockets take the lock themselves.
        descriptors::hold().remove_first(&self.descriptors);
    }
}

fn runtime() -> io::Result<ListedRuntime> {
    let mut held = descriptors::hold();
    let inner = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        // Name look-ups only.
        .max_blocking_threads(4)
        .thread_name("spanwire-dns")
        .thread_keep_alive(Duration::from_secs(1))
        .build()?;
    let descriptors = epoll::descriptors(&inner);
    for &descriptor in &descriptors {
        held.add_first(descriptor);
    }
    Ok(ListedRuntime { inner, descriptors })
}

struct Client {
    route: watch::Sender<Arc<Route<Target>>>,
    closing: watch::Sender<Closing>,
}

/// Takes everything and does nothing with it.
struct Nowhere;

impl Destination for Nowhere {
    async fn attempt(&self, _: &Request, _: tokio::time::Instant, _: &Tally) -> Result<Accepted, SendError> {
        Ok(Accepted::default())
    }
}

/// A way for a client, whose breakers are seen by all from now on.
fn route(client: u64, config: Arc<Config>) -> Arc<Route<Target>> {
    let destination = Target::new(&config);
    let endpoints = destination.breakers();
    let is_spread = config.strategy() == Strategy::TraceId && !endpoints.is_empty();
    let route = Route::new(config, destination);
    let route = Arc::new(if is_spread {
        route.spread_over(Spread::new(endpoints.clone()))
    } else {
        route
    });
    let watched = Watched::new(&route.config, Arc::clone(&route.breaker), endpoints);
    process::lock().watch_breakers(client, watched);
    route
}

impl Client {
    fn new(id: u64, config: Arc<Config>) -> Self {
        Self {
            route: watch::channel(route(id, config)).0,
            closing: watch::channel(Closing::No).0,
        }
    }
}

async fn run(mut commands: mpsc::UnboundedReceiver<Command>) {
    let mut clients: HashMap<u64, Client> = HashMap::new();
    while let Some(command) = commands.recv().await {
        match command {
            Command::Close(id, by) => {
                if let Some(client) = clients.get(&id) {
                    client.route.borrow().destination.close();
                    client.closing.send_replace(Closing::By(by.into()));
                }
            }
            Command::Carry(task) => {
                if let Ok(task) = task.downcast::<Task>() {
                    begin(*task, &mut clients);
                }
            }
            Command::Configure(id, config) => {
                // Both in one step of this thread: no request is made by the one and sent by the other.
                let is_there = process::lock().configure(id, Arc::clone(&config));
                if let Some(client) = clients.get(&id).filter(|_| is_there) {
                    client.route.send_replace(route(id, config));
                }
            }
            Command::Forget(id) => drop(clients.remove(&id)),
        }
    }
}

/// Begins a task. A panic in what is spawned ends that alone; what it holds is dropped with it and counts the loss.
fn begin(task: Task, clients: &mut HashMap<u64, Client>) {
    match task {
        Task::Export(job) => {
            let Job {
                sender,
                payload,
                deadline,
                under_way,
            } = *job;
            let client = clients
                .entry(sender.client())
                .or_insert_with(|| Client::new(sender.client(), sender.config()));
            let delivery = RequestDelivery {
                sender,
                route: client.route.subscribe(),
                closing: client.closing.subscribe(),
                origin: Origin::Caller(deadline.into()),
                failures: 0,
            };
            tokio::spawn(delivery.run(payload, under_way));
        }
        Task::Drive(drive) => {
            let config = drive.sender.config();
            let client = clients
                .entry(drive.sender.client())
                .or_insert_with(|| Client::new(drive.sender.client(), Arc::clone(&config)));
            let closing = client.closing.subscribe();
            if drive.sender.discards() {
                let nowhere = Arc::new(Route::new(config, Nowhere));
                tokio::spawn(drive.run(watch::channel(nowhere).1, closing));
            } else {
                tokio::spawn(drive.run(client.route.subscribe(), closing));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::AsRawFd;

    use super::*;
    use spanwire_ground::testing::fork_and_wait;

    #[test]
    fn a_child_does_not_close_what_has_the_numbers_of_a_runtime_that_is_gone() {
        let _alone = epoll::tests::ALONE.lock();
        process::lock().watch_forks(ffi::fork::watch).expect("fork handlers");
        let gone = runtime().expect("runtime");
        let numbers = gone.descriptors.clone();
        drop(gone);
        // The lowest free numbers are given again first.
        let files: Vec<_> = (0..64).filter_map(|_| File::open("/dev/null").ok()).collect();
        assert!(files.iter().any(|file| numbers.contains(&file.as_raw_fd())));
        assert!(fork_and_wait(|| files.iter().all(|file| file.metadata().is_ok())));
    }
}
