//! The listening server: one thread, one runtime, one port.

use std::future::{Future, poll_fn};
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::body::InFlight;
use crate::config::{Config, Limits};
use crate::error::StartError;
use crate::faults::Faults;
use crate::ffi::{self, ClosedInChild};
use crate::http::{Shared, handle};
use crate::store::Store;
use crate::stream::SharedStream;
use crate::tls;

/// A running OTLP server.
///
/// In a child made by fork it is dead: its thread is not there and its locks may be held by nobody. Whoever may be in
/// a child asks [`Server::is_inherited`] first and touches nothing else; dropping is safe there.
#[derive(Debug)]
pub struct Server {
    owner: u32,
    address: SocketAddr,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    shared: Arc<Shared>,
    stop: watch::Sender<Option<Duration>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Server {
    /// Binds the port and starts to serve.
    pub fn start(config: Config) -> Result<Self, StartError> {
        let acceptor = match &config.tls {
            None => None,
            Some(identity) => Some(TlsAcceptor::from(tls::server_config(identity)?)),
        };
        let listener = bind(&config.host, config.port).map_err(|source| StartError::Bind {
            host: config.host.clone(),
            port: config.port,
            source,
        })?;
        let address = listener.local_addr().map_err(StartError::Thread)?;
        let shared = Arc::new(Shared {
            store: Store::new(config.limits.kept_bytes),
            limits: config.limits,
            faults: Faults::default(),
            in_flight: InFlight::default(),
        });
        let (stop, stopped) = watch::channel(None);
        let (started, starting) = mpsc::channel();
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("spanwire-sink".into())
            .spawn(move || run(listener, acceptor, &for_thread, stopped, &started))
            .map_err(StartError::Thread)?;
        match starting.recv() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(StartError::Thread(error)),
            Err(_) => return Err(StartError::Thread(io::Error::other("it ended at once"))),
        }
        let running = Running {
            shared,
            stop,
            thread: Mutex::new(Some(thread)),
        };
        Ok(Self {
            owner: std::process::id(),
            address,
            running: Some(running),
        })
    }

    /// Where the server listens, with the port that the kernel chose.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
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

    /// What was received.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.running().shared.store
    }

    /// What is ordered to go wrong.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.running().shared.faults
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

    fn running(&self) -> &Running {
        self.running.as_ref().expect("taken only by drop")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.is_inherited() {
            // The thread to join and the descriptors belong to the parent.
            std::mem::forget(self.running.take());
        } else {
            self.shutdown(Duration::ZERO);
        }
    }
}

fn bind(host: &str, port: u16) -> io::Result<TcpListener> {
    let addresses: Vec<_> = (host, port).to_socket_addrs()?.collect();
    let listener = TcpListener::bind(addresses.as_slice())?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn run(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    shared: &Arc<Shared>,
    stopped: watch::Receiver<Option<Duration>>,
    started: &mpsc::Sender<io::Result<()>>,
) {
    /// Waiters are woken even if the thread panics.
    struct StopStore<'a>(&'a Store);
    impl Drop for StopStore<'_> {
        fn drop(&mut self) {
            self.0.stop();
        }
    }
    let _stop_store = StopStore(&shared.store);
    ffi::block_signals();
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
        let entry = ClosedInChild::new(&listener);
        match tokio::net::TcpListener::from_std(listener) {
            Ok(listener) => {
                let _ = started.send(Ok(()));
                let service = Service {
                    shared: Arc::clone(shared),
                    acceptor,
                    stopped: stopped.clone(),
                    connections: Arc::new(Semaphore::new(shared.limits.connections)),
                };
                service.serve(listener, entry, stopped).await;
            }
            Err(error) => {
                let _ = started.send(Err(error));
            }
        }
    });
}

#[derive(Clone)]
struct Service {
    shared: Arc<Shared>,
    acceptor: Option<TlsAcceptor>,
    stopped: watch::Receiver<Option<Duration>>,
    connections: Arc<Semaphore>,
}

impl Service {
    async fn serve(
        self,
        listener: tokio::net::TcpListener,
        entry: ClosedInChild,
        mut stopped: watch::Receiver<Option<Duration>>,
    ) {
        let accepting = tokio::spawn(self.clone().accept(listener, entry));
        // An error is a sender that is gone: stop as well.
        let grace = match stopped.wait_for(Option::is_some).await {
            Ok(grace) => grace.unwrap_or_default(),
            Err(_) => Duration::ZERO,
        };
        accepting.abort();
        let _ = accepting.await;
        let all = u32::try_from(self.shared.limits.connections).unwrap_or(u32::MAX);
        // Over the grace, the runtime's end drops what is left.
        let _ = timeout(grace, self.connections.acquire_many(all)).await;
    }

    async fn accept(self, listener: tokio::net::TcpListener, entry: ClosedInChild) {
        // Before the listener in drop order: locals go in reverse, the argument `listener` last.
        let _entry = entry;
        loop {
            let permit = Arc::clone(&self.connections).acquire_owned().await;
            let permit = permit.expect("the semaphore is never closed");
            match listener.accept().await {
                Ok((stream, _)) => {
                    // Only a matter of latency.
                    let _ = stream.set_nodelay(true);
                    tokio::spawn(self.clone().connection(SharedStream::new(stream), permit));
                }
                // Out of descriptors, or the peer went away meanwhile: go on, but not in a hot loop.
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    async fn connection(self, stream: SharedStream, _permit: OwnedSemaphorePermit) {
        let Some(acceptor) = &self.acceptor else {
            return self.http(stream.clone(), stream).await;
        };
        let handshake = timeout(self.shared.limits.header_timeout, acceptor.accept(stream.clone()));
        // Who can't shake hands is told so by TLS.
        if let Ok(Ok(encrypted)) = handshake.await {
            self.http(encrypted, stream).await;
        }
    }

    async fn http(&self, io: impl AsyncRead + AsyncWrite + Unpin, stream: SharedStream) {
        let Limits {
            header_timeout,
            header_bytes,
            ..
        } = self.shared.limits;
        let service = service_fn(|request| handle(Arc::clone(&self.shared), stream.clone(), request));
        let mut connection = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(header_timeout)
                .max_buf_size(header_bytes.max(MINIMUM_BUFFER))
                .serve_connection(TokioIo::new(io), service)
        );
        let mut stopped = self.stopped.clone();
        let mut stop = pin!(stopped.wait_for(Option::is_some));
        let mut stopping = false;
        // How a connection ended concerns its client alone.
        let _ = poll_fn(|context| {
            if !stopping && stop.as_mut().poll(context).is_ready() {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            match connection.as_mut().poll(context) {
                Poll::Ready(done) => Poll::Ready(done),
                Poll::Pending => Poll::Pending,
            }
        })
        .await;
    }
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// hyper refuses less.
const MINIMUM_BUFFER: usize = 8192;
