//! Driving a lane: the worker takes what waits there, makes requests of it and delivers them, several beside each other.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use spanwire_queue::{Lane, View};
use spanwire_transport::Destination;
use spanwire_transport::deliver::Closing;
use spanwire_transport::race::{Either, race};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::delivery::in_flight::{Done, InFlight};
use crate::delivery::payload::Payload;
use crate::delivery::request::last_call::last_call;
use crate::delivery::request::{FromLane, Origin, PROBE_BYTES, RequestDelivery};
use crate::delivery::route::Route;
use crate::delivery::traffic::{RequestState, Traffic};
use crate::process::account::DropReason;
use crate::process::buffer::Buffer;
use crate::process::events::{self, Event, What};
use crate::process::sender::{FAILED, Sender};
use crate::process::ticket::{Answer, Notice};

/// What one thread has stored, all others see long before.
const SECOND_LOOK: Duration = Duration::from_millis(10);

/// Default limit of in-flight requests to a remote endpoint.
const FAR: usize = 4;

/// What was pushed out is told at least so often.
const REPORT: Duration = Duration::from_secs(1);

/// When and how much is sent.
#[derive(Clone, Copy, Debug)]
pub struct BatchLimits {
    /// Items in a request at most; so many waiting start an export.
    pub items: usize,
    /// Bytes in a request at most, unless one item alone is longer; so many waiting start an export.
    pub bytes: usize,
    /// How long an item waits for others at most.
    pub delay: Duration,
    /// Limit of in-flight requests; 0: one to an endpoint on this machine, else [`FAR`].
    pub in_flight: usize,
    /// Limit of the rate, in items a second, at which the backlog of an outage is sent next to new items; 0: no limit, and the backlog is
    /// sent in its turn.
    pub backlog: u64,
}

/// What waits is a backlog when it is as much as is sent in this time, and the oldest of it has waited for longer.
const BACKLOG: Duration = Duration::from_secs(5);

/// A lane and what its requests are sent with. If it is dropped before its time, by a panic or with the worker, the lane takes
/// no more, and what waited there is counted.
pub struct Drive {
    lane: Arc<Lane>,
    pub sender: Arc<Sender>,
    limits: BatchLimits,
    /// Of the queue, in items.
    bound: usize,
    /// Items a second at most; 0: no bound.
    pace: u64,
    is_armed: bool,
}

impl Drive {
    /// Will send what waits in `lane`.
    pub fn new(lane: Arc<Lane>, sender: Arc<Sender>, limits: BatchLimits) -> Self {
        Self {
            bound: lane.limits().frames,
            lane,
            sender,
            limits,
            pace: 0,
            is_armed: true,
        }
    }

    /// It is over, or was never begun: dropping it means nothing.
    pub fn disarm(mut self) {
        self.is_armed = false;
    }

    /// Sends until the lane has ended and is empty. What has waited on the disk through an outage is sent beside.
    pub async fn run<D: Destination + Send + Sync + 'static>(
        self,
        route: watch::Receiver<Arc<Route<D>>>,
        closing: watch::Receiver<Closing>,
    ) {
        let mut behind = None;
        let split = |drive: &Self, waiting: u64| {
            if let Some(backlog) = drive.backlog(waiting, &route) {
                let nothing = |_: &Self, _| ();
                behind = Some(tokio::spawn(backlog.send_all(route.clone(), closing.clone(), nothing)));
            }
        };
        self.send_all(route.clone(), closing.clone(), split).await;
        if let Some(behind) = behind {
            let _ = behind.await; // a panic there was told there
        }
    }

    /// What has waited through an outage, if there was one and it is over, to be sent by itself.
    fn backlog<D>(&self, waiting: u64, route: &watch::Receiver<Arc<Route<D>>>) -> Option<Self> {
        let least = self.limits.backlog.saturating_mul(BACKLOG.as_secs());
        if self.limits.backlog == 0 || waiting < least || route.borrow().is_failing() {
            return None;
        }
        let lane = self.lane.split_backlog(least, BACKLOG)?;
        let limits = BatchLimits {
            in_flight: 1,
            ..self.limits
        };
        let mut drive = Self::new(Arc::new(lane), Arc::clone(&self.sender), limits);
        drive.pace = self.limits.backlog;
        Some(drive)
    }

    /// Sends until the lane has ended and is empty; `look` sees how much waits whenever something is sent.
    async fn send_all<D: Destination + Send + Sync>(
        self,
        route: watch::Receiver<Arc<Route<D>>>,
        closing: watch::Receiver<Closing>,
        mut look: impl FnMut(&Self, u64) + Send,
    ) {
        let BatchLimits { items, delay, .. } = self.limits;
        let mut due: Option<Instant> = None;
        // Frames that are to be sent at once.
        let mut until = 0;
        let mut in_flight = InFlight::default();
        // When the next may be sent, if there is a pace.
        let mut next = Instant::now();
        loop {
            let bytes = self.largest(&route.borrow());
            let mut view = self.look(items, bytes);
            if view.ended && self.end_in_time(in_flight.traffic(), &route) {
                view = self.look(items, bytes);
            }
            let View {
                ended: is_ended,
                waiting,
                ..
            } = view;
            if is_ended && waiting == 0 && in_flight.is_empty() {
                break;
            }
            if is_ended || view.flushing || due.is_some_and(|due| Instant::now() >= due) {
                until = view.entered;
                due = None;
            }
            let is_wanted = waiting > 0 && (view.enough || view.passed < until);
            let is_early = self.pace > 0 && Instant::now() < next && !view.flushing;
            if is_wanted
                && !is_early
                && let Some(most) = self.may_send(&in_flight, &route)
            {
                let sent = self.send(&mut in_flight, most, &route, &closing);
                if let Some(nanos) = sent.saturating_mul(1_000_000_000).checked_div(self.pace) {
                    next = next.max(Instant::now()) + Duration::from_nanos(nanos);
                }
                look(&self, waiting);
            } else if is_wanted {
                // What the bound has pushed out meanwhile is told.
                let soon = Instant::now() + REPORT;
                let until = if is_early { soon.min(next) } else { soon };
                race(self.land(&mut in_flight), sleep_until(until)).await;
            } else if is_ended {
                self.land(&mut in_flight).await;
            } else if waiting == 0 {
                due = None;
                race(self.land(&mut in_flight), self.idle()).await;
            } else {
                let until = *due.get_or_insert_with(|| Instant::now() + delay);
                let wait = race(self.wait(items as u64, bytes), sleep_until(until));
                race(self.land(&mut in_flight), wait).await;
            }
            if in_flight.is_empty() {
                self.lane.set_passed_done();
            }
        }
        self.report(DropReason::Shutdown);
        self.lane.set_done(self.lane.entered());
        drop(in_flight);
        self.disarm();
    }

    /// Looks at the lane once a turn, and reports what it has dropped since the last look.
    fn look(&self, frames: usize, bytes: usize) -> View {
        self.look_or(frames, bytes, DropReason::Shutdown)
    }

    /// The same; what was dropped since the lane's end was for that reason.
    fn look_or(&self, frames: usize, bytes: usize, why_closed: DropReason) -> View {
        let view = self.lane.look(frames as u64, bytes);
        for (items, reason) in DropReason::of_dropped(view.dropped, why_closed) {
            if items > 0 {
                let message = reason.of_a_queue(items);
                self.sender.lose_dropped(&self.lane, items, reason, message.clone());
                if reason.is_loss_of_a_queue() {
                    self.push(Some(reason), items, message);
                }
            }
        }
        view
    }

    /// Drops what is queued in an ended lane when its destination has accepted nothing for too long; whether it did.
    fn end_in_time<D>(&self, traffic: &Traffic, route: &watch::Receiver<Arc<Route<D>>>) -> bool {
        let end = last_call(&self.lane, traffic, &self.sender, &route.borrow());
        if end.is_none_or(|end| Instant::now() < end) {
            return false;
        }
        let items = self.lane.discard();
        if items > 0 {
            let late = if self.lane.is_stored() {
                DropReason::Kept
            } else {
                DropReason::Shutdown
            };
            let names = self.lane.signal().names().items;
            let message = format!("shutdown ended while the backend accepted nothing: {items} {names} were not sent");
            self.push(Some(late), items, message);
        }
        true
    }

    /// Bytes of a request at most. At the end what a destination takes nothing of is not tried, and dropped many at a time.
    fn largest<D>(&self, route: &Route<D>) -> usize {
        if route.sizes.takes_nothing() && self.lane.is_ended() {
            return self.limits.bytes;
        }
        self.limits.bytes.min(route.sizes.limit())
    }

    /// Requests under way at most.
    fn most<D>(&self, route: &Route<D>) -> usize {
        let most = match self.limits.in_flight {
            0 if route.config.is_local() => 1,
            0 => FAR,
            most => most,
        };
        // A request for several endpoints is sent to one after the other.
        most * route.homes()
    }

    /// The limits, in items and bytes, of one more in-flight request; none if there may be no more. While the destination fails at most one
    /// new request is tried. If it keeps answering "later", small requests take turns with the suspect one, which alone may be the cause.
    fn may_send<D>(&self, in_flight: &InFlight<'_>, route: &watch::Receiver<Arc<Route<D>>>) -> Option<(usize, usize)> {
        let route = route.borrow();
        let bytes = self.largest(&route);
        let (traffic, most) = (in_flight.traffic(), self.most(&route));
        let is_failing = route.is_failing();
        let held = if is_failing { 0 } else { in_flight.held() };
        let is_small = traffic.may_send(in_flight.moving() - held, most, is_failing)?;
        let items = traffic.room(self.limits.items, most + held, self.bound);
        (items > 0).then_some((items, if is_small { bytes.min(PROBE_BYTES) } else { bytes }))
    }

    /// Waits for a request to end; for ever if there is none.
    async fn land(&self, in_flight: &mut InFlight<'_>) {
        let (told, done) = in_flight.next().await;
        for Notice { lost, items, message } in told {
            self.push(lost, items, message);
        }
        // Who waits for it finds what there is to say about it.
        match done {
            Some(Done::First(frames)) => self.lane.set_done(frames),
            Some(Done::Between(frames)) => self.lane.set_ended(&frames),
            None => {}
        }
    }

    /// Waits for the next item. Nothing ticks in an idle process; but there is a second look, as `poll_wait` asks for.
    async fn idle(&self) {
        let again = sleep_until(Instant::now() + SECOND_LOOK);
        if let Either::Second(()) = race(self.wait(1, usize::MAX), again).await {
            self.wait(1, usize::MAX).await;
        }
    }

    async fn wait(&self, items: u64, bytes: usize) {
        poll_fn(|task| self.lane.poll_wait(task, items, bytes)).await;
    }

    /// Begins to send one batch, if there is one; how many items were taken for it.
    fn send<'f, D: Destination + Send + Sync + 'f>(
        &self,
        in_flight: &mut InFlight<'f>,
        (items, bytes): (usize, usize),
        route: &watch::Receiver<Arc<Route<D>>>,
        closing: &watch::Receiver<Closing>,
    ) -> u64 {
        let Some((mut batch, mut in_hand)) = self.sender.take(&self.lane, items, bytes) else {
            return 0;
        };
        let taken = batch.frames() as u64;
        in_hand.pass(&mut batch);
        let (items, end) = (batch.frames() as u64, batch.end());
        if items == 0 {
            in_flight.add_ended(end);
            return taken;
        }
        let payload = Payload::new(batch.signal(), Buffer::of(&batch.request()).freeze(), items);
        drop(batch);
        let is_durable = self.lane.is_stored();
        let late = if is_durable {
            DropReason::Kept
        } else {
            DropReason::Shutdown
        };
        match in_hand.begin(late) {
            Err(answer) => {
                if is_durable {
                    self.lane.keep();
                }
                self.sender.note_lost(items, late);
                self.tell(&answer, items);
                in_flight.add_ended(end);
            }
            Ok(mut under_way) => {
                under_way.keep_ledger();
                let state = RequestState::new(in_flight.traffic(), items);
                let delivery = RequestDelivery {
                    failures: 0,
                    sender: Arc::clone(&self.sender),
                    route: route.clone(),
                    closing: closing.clone(),
                    origin: Origin::Lane(FromLane {
                        lane: Arc::clone(&self.lane),
                        pushed_out: self.lane.pushed_out(),
                        state: Arc::clone(&state),
                        most: self.most(&route.borrow()),
                    }),
                };
                in_flight.add(end, state, delivery.run(payload, under_way));
            }
        }
        taken
    }

    fn tell(&self, answer: &Answer, items: u64) {
        if let Some(message) = &answer.message {
            self.push(
                answer.lost,
                if answer.lost.is_some() { items } else { answer.rejected },
                message.clone(),
            );
        }
    }

    /// Counts and reports what the lane has dropped.
    fn report(&self, why_closed: DropReason) {
        let _ = self.look_or(usize::MAX, usize::MAX, why_closed);
    }

    fn push(&self, lost: Option<DropReason>, items: u64, message: String) {
        let is_unheard = events::push(Event {
            destination: self.sender.name(),
            what: lost.map_or(What::Taken, What::Lost),
            items,
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
        self.report(DropReason::Internal);
        self.push(Some(DropReason::Internal), 0, FAILED.into());
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
