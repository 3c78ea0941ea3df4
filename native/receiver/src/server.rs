//! The listening server: one thread, one runtime, a port or a few.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use spanwire_ground::spawn_quietly;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::body::InFlight;
use crate::config::Config;
use crate::consumer::Consumer;
use crate::error::StartError;
use crate::http::Shared;
use crate::listen::Bound;
use crate::service::{Entrance, Service};
use crate::tls;

/// A running OTLP server.
///
/// In a child made by fork it is dead: its thread is not there and its locks may be held by nobody. Whoever may be in
/// a child asks [`Server::is_inherited`] first and touches nothing else; dropping is safe there.
#[derive(Debug)]
pub struct Server<C: Consumer> {
    owner: u32,
    address: SocketAddr,
    grpc_address: SocketAddr,
    running: Option<Running<C>>,
}

#[derive(Debug)]
struct Running<C> {
    consumer: Arc<C>,
    stop: watch::Sender<Option<Duration>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl<C: Consumer> Server<C> {
    /// Binds the ports and starts to serve; every request goes to `consumer`.
    pub fn start(config: Config, consumer: C) -> Result<Self, StartError> {
        let consumer = Arc::new(consumer);
        let acceptor = |protocols: &[&[u8]]| match &config.tls {
            None => Ok(None),
            Some(identity) => tls::server_config(identity, protocols).map(|config| Some(TlsAcceptor::from(config))),
        };
        let bind = |port| {
            Bound::tcp(&config.host, port).map_err(|source| StartError::Bind {
                host: config.host.clone(),
                port,
                source,
            })
        };
        let both = acceptor(&[b"h2", b"http/1.1"])?;
        let (bound, address) = bind(config.port)?;
        let mut entrances = vec![Entrance::new(bound, both.clone(), false)];
        let mut grpc_address = address;
        if let Some(port) = config.grpc_port {
            let (bound, address) = bind(port)?;
            entrances.push(Entrance::new(bound, acceptor(&[b"h2"])?, true));
            grpc_address = address;
        }
        if let Some(path) = &config.unix_path {
            let bound = Bound::unix(path).map_err(|source| StartError::BindUnix {
                path: path.clone(),
                source,
            })?;
            entrances.push(Entrance::new(bound, both, false));
        }
        let shared = Arc::new(Shared {
            limits: config.limits,
            consumer: Arc::clone(&consumer),
            in_flight: InFlight::default(),
        });
        let (stop, stopped) = watch::channel(None);
        let (started, starting) = mpsc::channel();
        let thread = spawn_quietly("spanwire-sink", move || run(entrances, &shared, stopped, &started))
            .map_err(StartError::Thread)?;
        match starting.recv() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(StartError::Thread(error)),
            Err(_) => return Err(StartError::Thread(io::Error::other("it ended at once"))),
        }
        let running = Running {
            consumer,
            stop,
            thread: Mutex::new(Some(thread)),
        };
        Ok(Self {
            owner: std::process::id(),
            address,
            grpc_address,
            running: Some(running),
        })
    }

    /// Where the server listens, with the port that the kernel chose.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where gRPC has a port of its own, or the address above.
    #[must_use]
    pub fn grpc_address(&self) -> SocketAddr {
        self.grpc_address
    }

    /// Whether this is a copy in a child made by fork.
    #[must_use]
    pub fn is_inherited(&self) -> bool {
        self.owner != std::process::id()
    }

    /// The process that started the server.
    #[must_use]
    pub fn owner(&self) -> u32 {
        self.owner
    }

    /// The consumer of the requests.
    #[must_use]
    pub fn consumer(&self) -> &C {
        &self.running().consumer
    }

    /// Stops accepting, lets requests in progress finish within `grace`, then ends the thread. What was received
    /// stays readable. Idempotent.
    pub fn shutdown(&self, grace: Duration) {
        let running = self.running();
        // Without a receiver the thread has ended already.
        let _ = running.stop.send(Some(grace));
        let thread = running.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic of the thread was reported by the panic hook; here it only means that it has ended.
            let _ = thread.join();
        }
    }

    fn running(&self) -> &Running<C> {
        self.running.as_ref().expect("taken only by drop")
    }
}

impl<C: Consumer> Drop for Server<C> {
    fn drop(&mut self) {
        if self.is_inherited() {
            // The thread to join and the descriptors belong to the parent.
            std::mem::forget(self.running.take());
        } else {
            self.shutdown(Duration::ZERO);
        }
    }
}

fn run<C: Consumer>(
    entrances: Vec<Entrance>,
    shared: &Arc<Shared<C>>,
    stopped: watch::Receiver<Option<Duration>>,
    started: &mpsc::Sender<io::Result<()>>,
) {
    /// The consumer hears of the end even if the thread panics.
    struct Stop<'a, C: Consumer>(&'a C);
    impl<C: Consumer> Drop for Stop<'_, C> {
        fn drop(&mut self) {
            self.0.stop();
        }
    }
    let _stop = Stop(&*shared.consumer);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            // Whoever starts the server waits for this word.
            let _ = started.send(Err(error));
            return;
        }
    };
    runtime.block_on(async {
        let listeners: io::Result<Vec<_>> = entrances.into_iter().map(Entrance::open).collect();
        match listeners {
            Ok(listeners) => {
                let _ = started.send(Ok(()));
                Service::new(shared, stopped).serve(listeners).await;
            }
            Err(error) => {
                let _ = started.send(Err(error));
            }
        }
    });
}
