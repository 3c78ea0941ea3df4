//! Driving a lane: the worker takes what waits there, makes requests of it and delivers them, one after the other.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use spanwire_queue::Lane;
use spanwire_transport::deliver::Closing;
use spanwire_transport::race::{Either, race};
use spanwire_transport::{Destination, deliver};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::account::DropReason;
use crate::buffer::Buffer;
use crate::client::Sender;
use crate::events::{self, Event};
use crate::ticket::Answer;

/// What one thread has stored, all others see long before.
const SECOND_LOOK: Duration = Duration::from_millis(10);

/// When and how much is sent.
#[derive(Clone, Copy, Debug)]
pub struct BatchLimits {
    /// Spans in a request at most; so many waiting start an export.
    pub spans: usize,
    /// Bytes in a request at most, unless one span alone is longer; so many waiting start an export.
    pub bytes: usize,
    /// How long a span waits for others at most.
    pub delay: Duration,
}

/// A lane and what its requests are sent with. If it is dropped before its time, by a panic or with the worker, the lane takes
/// no more, and what waited there is counted.
pub struct Drive {
    lane: Arc<Lane>,
    pub sender: Arc<Sender>,
    limits: BatchLimits,
    /// Spans that were taken and are not booked yet.
    in_hand: AtomicU64,
    is_armed: bool,
}

impl Drive {
    /// Will send what waits in `lane`.
    pub fn new(lane: Arc<Lane>, sender: Arc<Sender>, limits: BatchLimits) -> Self {
        Self {
            lane,
            sender,
            limits,
            in_hand: AtomicU64::new(0),
            is_armed: true,
        }
    }

    /// It is over, or was never begun: dropping it means nothing.
    pub fn disarm(mut self) {
        self.is_armed = false;
    }

    /// Sends until the lane has ended and is empty.
    pub async fn run<D: Destination + Send + Sync>(
        self,
        destination: watch::Receiver<Arc<D>>,
        mut closing: watch::Receiver<Closing>,
    ) {
        let BatchLimits { spans, bytes, delay } = self.limits;
        let mut due: Option<Instant> = None;
        loop {
            let is_ended = self.lane.is_ended();
            let (waiting, is_enough) = self.lane.waiting(spans as u64, bytes);
            if is_ended && waiting == 0 {
                break;
            }
            let is_due = due.is_some_and(|due| Instant::now() >= due);
            if is_ended || is_due || self.lane.is_flushing() {
                self.send_until(self.lane.entered(), &destination, &mut closing).await;
                due = None;
            } else if is_enough {
                self.send(&destination, &mut closing).await;
            } else if waiting == 0 {
                due = None;
                self.idle().await;
            } else {
                let until = *due.get_or_insert_with(|| Instant::now() + delay);
                race(self.wait(spans as u64, bytes), sleep_until(until)).await;
            }
            self.report(DropReason::Shutdown);
        }
        self.report(DropReason::Shutdown);
        self.lane.set_done(self.lane.entered());
        self.disarm();
    }

    /// Waits for the next span. Nothing ticks in an idle process; but there is a second look, as `poll_wait` asks for.
    async fn idle(&self) {
        let again = sleep_until(Instant::now() + SECOND_LOOK);
        if let Either::Second(()) = race(self.wait(1, usize::MAX), again).await {
            self.wait(1, usize::MAX).await;
        }
    }

    async fn wait(&self, spans: u64, bytes: usize) {
        poll_fn(|task| self.lane.poll_wait(task, spans, bytes)).await;
    }

    async fn send_until<D: Destination + Send + Sync>(
        &self,
        until: u64,
        destination: &watch::Receiver<Arc<D>>,
        closing: &mut watch::Receiver<Closing>,
    ) {
        while self.lane.gone() < until && self.send(destination, closing).await {
            self.report(DropReason::Shutdown);
        }
        self.lane.set_done(until);
    }

    /// Sends one batch; false if there is none.
    async fn send<D: Destination + Send + Sync>(
        &self,
        destination: &watch::Receiver<Arc<D>>,
        closing: &mut watch::Receiver<Closing>,
    ) -> bool {
        let Some(mut batch) = self.lane.take(self.limits.spans, self.limits.bytes) else {
            return false;
        };
        self.in_hand.store(batch.spans() as u64, Ordering::Relaxed);
        self.sender.pass(&mut batch);
        let (spans, end) = (batch.spans() as u64, batch.end());
        self.in_hand.store(spans, Ordering::Relaxed);
        if spans == 0 {
            self.lane.set_done(end);
            return true;
        }
        let buffer = Buffer::of(&batch.request());
        drop(batch);
        let begun = self.sender.begin(buffer, spans);
        self.in_hand.store(0, Ordering::Relaxed);
        match begun {
            Err(answer) => self.tell(&answer, spans),
            Ok(begun) => {
                let destination = Arc::clone(&destination.borrow());
                let result = deliver(
                    &*destination,
                    &begun.request,
                    begun.deadline.into(),
                    self.sender.policy(),
                    closing,
                    begun.under_way.tally(),
                )
                .await;
                drop(begun.request); // gives its buffer back before the next one is made
                begun.under_way.end(result);
                if let Some(answer) = begun.ticket.wait(Duration::ZERO) {
                    self.tell(&answer, spans);
                }
            }
        }
        self.lane.set_done(end);
        true
    }

    fn tell(&self, answer: &Answer, spans: u64) {
        if let Some(message) = &answer.message {
            self.push(
                answer.lost,
                if answer.lost.is_some() { spans } else { answer.rejected },
                message.clone(),
            );
        }
    }

    /// Counts and tells what the lane has dropped.
    fn report(&self, why_closed: DropReason) {
        let (full, closed) = self.lane.take_dropped();
        for (spans, reason, event) in [(full, DropReason::QueueFull, true), (closed, why_closed, false)] {
            if spans > 0 {
                let message = match reason {
                    DropReason::QueueFull => format!("the queue was full and the oldest {spans} went"),
                    DropReason::Shutdown => "the processor was shut down".to_owned(),
                    _ => format!("{spans} spans: {}", reason.name()),
                };
                drop(self.sender.lose(spans, reason, message.clone()));
                if event {
                    self.push(Some(reason), spans, message);
                }
            }
        }
    }

    fn push(&self, lost: Option<DropReason>, spans: u64, message: String) {
        let is_unheard = events::push(Event {
            destination: self.sender.name(),
            lost,
            spans,
            message,
        });
        if is_unheard {
            self.lane.set_news();
        }
    }
}

impl Drive {
    fn give_up(&self) {
        self.report(DropReason::Shutdown);
        self.lane.close();
        let _ = self.lane.discard();
        let message = "the worker failed; nothing more is sent there. Please report this";
        let in_hand = self.in_hand.load(Ordering::Relaxed);
        if in_hand > 0 {
            drop(self.sender.lose(in_hand, DropReason::Internal, message.into()));
        }
        self.report(DropReason::Internal);
        self.push(Some(DropReason::Internal), 0, message.into());
    }
}

impl Drop for Drive {
    fn drop(&mut self) {
        if self.is_armed {
            // A panic inside a panic would end the application.
            drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                self.give_up();
            })));
        }
    }
}

#[cfg(test)]
mod tests;
