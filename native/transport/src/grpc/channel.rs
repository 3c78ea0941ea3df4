//! One HTTP/2 connection and its tasks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::rt::Executor;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::grpc::frames::{CountedFrames, FRAMES};
use crate::grpc::greeting::{Greeting, Heard};
use crate::grpc::message::Framed;
use spanwire_net::bounded::Allowance;
use spanwire_net::race::race;

/// How long a connection that nobody uses any more may take to say good-bye.
const LINGER: Duration = Duration::from_secs(1);

/// What we take in advance of answers, which are small: of one call, and of all.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;

/// A longer list of headers, or of trailers, is no answer.
const MAX_HEADERS: u32 = 64 << 10;

/// A connection that calls share. Its tasks end soon after the last clone is gone, whatever the peer does.
#[derive(Clone)]
pub struct Channel {
    pub sender: SendRequest<Framed>,
    state: Arc<State>,
}

struct State {
    answers: AtomicU64,
    greeting: Greeting,
    /// What may come before the next answer has ended.
    frames: Allowance,
    used: Mutex<Instant>,
    /// Dropped with the last clone, which the tasks notice.
    _alive: watch::Sender<()>,
}

impl Channel {
    /// Begins to speak HTTP/2 over `stream`; its peer is asked whether it lives when a call was not answered for `keep_alive`, and given
    /// up when it does not say so within that time once more.
    pub async fn open<S>(stream: S, keep_alive: Duration) -> Result<Self, hyper::Error>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (alive, is_alive) = watch::channel(());
        let tasks = Tasks(is_alive);
        let greeting = Greeting::default();
        let frames = Allowance::default();
        frames.set(FRAMES);
        let stream = CountedFrames::new(Heard::new(stream, greeting.clone()), frames.clone());
        let (sender, driver) = Builder::new(tasks.clone())
            .timer(TokioTimer::new())
            .keep_alive_interval(keep_alive)
            .keep_alive_timeout(keep_alive)
            .keep_alive_while_idle(false)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(MAX_HEADERS)
            .handshake(TokioIo::new(stream))
            .await?;
        tasks.execute(async move {
            let _ = driver.await; // whoever waits for an answer gets the error
        });
        Ok(Self {
            sender,
            state: Arc::new(State {
                answers: AtomicU64::new(0),
                greeting,
                frames,
                used: Mutex::new(Instant::now()),
                _alive: alive,
            }),
        })
    }

    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.state, &other.state)
    }

    /// Answers that came over it.
    pub fn answers(&self) -> u64 {
        self.state.answers.load(Ordering::Relaxed)
    }

    /// What to tell people of a call that broke off: nothing, if others were answered.
    pub fn advice(&self) -> &'static str {
        if self.answers() == 0 {
            self.state.greeting.advice()
        } else {
            ""
        }
    }

    /// An answer came.
    pub fn answered(&self) {
        self.state.answers.fetch_add(1, Ordering::Relaxed);
        self.state.frames.set(FRAMES);
        *self.state.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Since when nothing came.
    pub fn idle(&self) -> Duration {
        self.state.used.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}

/// Runs a connection's tasks until its last user is gone, and a little longer.
#[derive(Clone)]
struct Tasks(watch::Receiver<()>);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Tasks {
    fn execute(&self, task: F) {
        let mut is_alive = self.0.clone();
        tokio::spawn(async move {
            let lingering = async {
                let _ = is_alive.changed().await; // nothing is sent: it ends
                sleep(LINGER).await;
            };
            race(task, lingering).await;
        });
    }
}
