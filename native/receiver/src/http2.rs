//! An HTTP/2 connection: hyper's server, ended when a test orders it, the server stops, or nothing comes.

use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::consumer::Consumer;
use crate::http::{Shared, handle};
use crate::peer::{End, HELD_TIME, Order, Peer};
use crate::stream::SharedStream;
use crate::tap::{self, Tap};

/// Why the connection's task goes on to something else.
enum Event {
    /// The connection is over, however it ended: that concerns its client alone.
    Over,
    Stop,
    Idle,
    Order(Order),
}

/// Serves the connection to its end. `stop` is ready when the server stops.
pub(crate) async fn serve<Io, C: Consumer>(
    io: Io,
    stream: SharedStream,
    shared: &Arc<Shared<C>>,
    only_grpc: bool,
    stop: impl Future,
) where
    Io: AsyncRead + AsyncWrite + Unpin + Send,
{
    let limits = &shared.limits;
    let (orders, mut ordered) = mpsc::unbounded_channel();
    let peer = Peer::http2(stream.clone(), orders, only_grpc);
    let active = Arc::new(AtomicUsize::new(0));
    let service = service_fn(|request| {
        let answer = handle(Arc::clone(shared), peer.clone(), request);
        let active = Active::new(&active);
        async move {
            let _active = active;
            answer.await
        }
    });
    let tap = Tap::new(io);
    let mut connection = pin!(
        http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(limits.stream_window)
            .max_frame_size(MAX_FRAME)
            .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
            .serve_connection(TokioIo::new(tap.clone()), service)
    );
    let mut stop = pin!(stop);
    let mut idle = pin!(sleep(limits.header_timeout));
    let mut busy = false;
    let mut stopping = false;
    let mut waiting = None;
    loop {
        let event = poll_fn(|context| {
            if connection.as_mut().poll(context).is_ready() {
                return Poll::Ready(Event::Over);
            }
            if waiting.is_none()
                && let Poll::Ready(order) = ordered.poll_recv(context)
            {
                waiting = order;
            }
            if tap.is_between_frames()
                && let Some(order) = waiting.take()
            {
                return Poll::Ready(Event::Order(order));
            }
            if !stopping && stop.as_mut().poll(context).is_ready() {
                return Poll::Ready(Event::Stop);
            }
            busy |= active.load(Ordering::Relaxed) > 0;
            idle.as_mut().poll(context).map(|()| Event::Idle)
        })
        .await;
        match event {
            Event::Over => return,
            Event::Idle if busy => {
                busy = false;
                idle.set(sleep(limits.header_timeout));
            }
            Event::Idle if stopping => return,
            Event::Idle | Event::Stop => {
                stopping = true;
                idle.set(sleep(limits.header_timeout));
                connection.as_mut().graceful_shutdown();
            }
            Event::Order(Order::GoAway(code)) => {
                // The last stream is the highest there can be: all that are open are answered.
                if tap.insert(&tap::go_away(u32::MAX >> 1, code)).await.is_err() {
                    return;
                }
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            Event::Order(Order::End(end)) => {
                return self::end(end, &tap, stream, stop).await;
            }
        }
    }
}

/// Ends the connection, which is not polled any more.
async fn end<Io>(end: End, tap: &Tap<Io>, stream: SharedStream, stop: Pin<&mut impl Future>)
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    let held = async {
        match end {
            // Fails only on a connection that is gone already.
            End::Reset => drop(stream.reset_on_close()),
            End::Close => stream.close_orderly(LINGER).await,
            End::HalfClose => stream.close_orderly(HELD_TIME).await,
            End::Freeze => timeout(HELD_TIME, pending::<()>()).await.unwrap_or_default(),
            End::GoAway(code) => {
                let sent = timeout(LINGER, tap.insert(&tap::go_away(0, code))).await;
                if sent.is_ok_and(|sent| sent.is_ok()) {
                    stream.close_orderly(LINGER).await;
                }
            }
        }
    };
    let mut held = pin!(held);
    let mut stop = stop;
    poll_fn(|context| {
        if held.as_mut().poll(context).is_ready() || stop.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        Poll::Pending
    })
    .await;
}

/// Counts a request while it is handled.
struct Active(Arc<AtomicUsize>);

impl Active {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A request of usual size in few frames: each is a piece that has to be joined with the others.
const MAX_FRAME: u32 = 1 << 20;
/// How long a client has to read what was sent last.
const LINGER: Duration = Duration::from_secs(1);
