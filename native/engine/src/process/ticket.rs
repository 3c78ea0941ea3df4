//! The two ends of a request under way: the worker's, which must account for it, and the caller's, which waits.

use std::cell::Cell;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use spanwire_transport::deliver::{Cause, GaveUp};
use spanwire_transport::{Accepted, SendError, Tally, Trouble};

use spanwire_wire::Signal;

use crate::process;
use crate::process::account::{Costs, DropReason};
use crate::process::events::{self, Event, What};
use crate::process::ledger::Ended;

/// What became of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Why it was lost; `None` when the destination took it.
    pub lost: Option<DropReason>,
    /// An error, or what the destination had to say about a success.
    pub message: Option<String>,
    /// How many items were lost, by reason; of a request that was divided also if others were taken. Empty where nobody knows.
    pub losses: Vec<(DropReason, u64)>,
    /// Items that a destination took the request without.
    pub rejected: u64,
    /// Tries after the first.
    pub retries: u64,
    /// Something is to be said, and nobody listens.
    pub has_news: bool,
}

impl Answer {
    /// A loss.
    #[must_use]
    pub fn lost(reason: DropReason, message: impl Into<String>) -> Self {
        Self {
            lost: Some(reason),
            message: Some(message.into()),
            ..Self::default()
        }
    }

    /// The loss of so many items.
    #[must_use]
    pub(crate) fn lost_all(items: u64, reason: DropReason, message: String) -> Self {
        let mut answer = Self::lost(reason, message);
        answer.lose(reason, items);
        answer
    }

    /// The answer for one request more: the first loss, the first message, and sums.
    pub fn add(&mut self, one: Self) {
        for &(reason, items) in &one.losses {
            self.lose(reason, items);
        }
        if self.lost.is_none() && one.lost.is_some() {
            (self.lost, self.message) = (one.lost, one.message);
        } else if self.message.is_none() {
            self.message = one.message;
        }
        self.rejected += one.rejected;
        self.retries += one.retries;
        self.has_news |= one.has_news;
    }

    /// So many items more were lost.
    pub fn lose(&mut self, reason: DropReason, items: u64) {
        if items == 0 {
            return;
        }
        match self.losses.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, sum)) => *sum += items,
            None => self.losses.push((reason, items)),
        }
    }
}

/// The worker's end. It settles the account exactly once, also when it is dropped by a panic.
pub struct UnderWay {
    client: u64,
    number: u64,
    /// Items that nothing has become of yet.
    items: u64,
    destination: String,
    signal: Signal,
    tally: Tally,
    counted: Costs,
    /// What has become of the others.
    answer: Answer,
    /// Who waits for the answer, if somebody does.
    caller: Option<SyncSender<Answer>>,
    is_settled: bool,
    /// Since when, if the client's ledger is told of it.
    kept_since: Option<Instant>,
}

/// What people must hear of a part of a request.
#[derive(Debug, PartialEq, Eq)]
pub struct Notice {
    /// Why its items were lost; `None` if it was taken.
    pub lost: Option<DropReason>,
    /// Items that were lost, or that the destination took it without.
    pub items: u64,
    /// In words.
    pub message: String,
}

/// What has become of a part, or why its items are lost.
pub type Fate = Result<Accepted, (DropReason, String)>;

/// The caller's end.
pub struct Ticket {
    answer: Receiver<Answer>,
    generation: u64,
    deadline: Instant,
    /// Time spent waiting after the deadline. Not read from the clock: that goes on while the whole process is stopped (a
    /// signal, a debugger, a virtual machine being moved), and then the worker is not to blame.
    overdue: Cell<Duration>,
}

/// Both ends of request `number` of a client, which has been booked.
#[must_use]
pub fn pair(client: u64, number: u64, items: u64, account: (&str, Signal), deadline: Instant) -> (UnderWay, Ticket) {
    let (sender, receiver) = sync_channel(1);
    let mut under_way = UnderWay::new(client, number, items, account);
    under_way.caller = Some(sender);
    let ticket = Ticket {
        answer: receiver,
        generation: spanwire_ground::generation(),
        deadline,
        overdue: Cell::default(),
    };
    (under_way, ticket)
}

/// How long after its deadline a request may still be answered; past this something is wrong with the worker.
const PATIENCE: Duration = Duration::from_secs(5);

impl UnderWay {
    /// Request `number` of a client, which has been booked and which no caller waits for.
    #[must_use]
    pub fn new(client: u64, number: u64, items: u64, (destination, signal): (&str, Signal)) -> Self {
        Self {
            client,
            number,
            items,
            destination: destination.to_owned(),
            signal,
            tally: Tally::default(),
            counted: Costs::default(),
            answer: Answer::default(),
            caller: None,
            is_settled: false,
            kept_since: None,
        }
    }

    /// Where its costs are counted.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The client's ledger is told what becomes of it, if there is one.
    pub fn keep_ledger(&mut self) {
        if let Some(ledger) = process::lock().ledger(self.client) {
            ledger.begin(self.items);
            self.kept_since = Some(Instant::now());
        }
    }

    /// Settles and answers.
    pub fn end(mut self, result: Result<Accepted, GaveUp>) {
        let fate = result.map_err(|gave_up| self.fate(&gave_up));
        self.part(self.items, fate);
    }

    /// Settles a request that never reached the worker.
    pub fn fail(mut self, reason: DropReason, message: String) {
        self.part(self.items, Err((reason, message)));
    }

    /// Why the items of a part that was given up are lost.
    pub fn fate(&self, GaveUp { error, cause }: &GaveUp) -> (DropReason, String) {
        (reason(error, *cause), explain(error, *cause, self.tally.requests()))
    }

    /// Counts what it has cost so far, and what it is waiting for.
    pub fn wait(&mut self, error: String) {
        let mut process = process::lock();
        let account = process.account(&self.destination, self.signal);
        account.add(&self.tally, &mut self.counted);
        account.last_error = Some(error);
    }

    /// Has people told what is wrong, whatever becomes of it; whether nobody listens.
    pub fn tell(&mut self, trouble: Trouble) -> bool {
        process::lock().account(&self.destination, self.signal).last_error = Some(trouble.message.clone());
        let is_unheard = events::push(Event {
            destination: self.destination.clone(),
            what: What::Trouble(trouble.subject),
            items: 0,
            message: trouble.message,
        });
        self.answer.has_news |= is_unheard;
        is_unheard
    }

    /// Settles `items` of it. When nothing is left, the caller has the answer.
    pub fn part(&mut self, items: u64, fate: Fate) -> Option<Notice> {
        let items = items.min(self.items);
        self.items -= items;
        let mut process = process::lock();
        if let Some(ledger) = self.kept_since.and_then(|_| process.ledger(self.client)) {
            match &fate {
                Ok(accepted) => {
                    let rejected = accepted.rejected.min(items);
                    ledger.taken(items - rejected);
                    ledger.lose(rejected, DropReason::Rejected);
                }
                Err((reason, _)) => ledger.lose(items, *reason),
            }
        }
        let account = process.account(&self.destination, self.signal);
        account.add(&self.tally, &mut self.counted);
        let told = match fate {
            Ok(accepted) => {
                account.taken(items, accepted.rejected);
                let unreadable = accepted
                    .unreadable
                    .then(|| "the answer to an accepted request is not OTLP; is it a backend?".to_owned());
                let rejected = accepted.rejected.min(items);
                self.answer.rejected += rejected;
                accepted.message.or(unreadable).map(|message| {
                    account.last_error = Some(message.clone());
                    Notice {
                        lost: None,
                        items: rejected,
                        message,
                    }
                })
            }
            Err((reason, message)) => {
                account.lost(items, reason, message.clone());
                self.answer.lost = self.answer.lost.or(Some(reason));
                self.answer.lose(reason, items);
                Some(Notice {
                    lost: Some(reason),
                    items,
                    message,
                })
            }
        };
        // Of several messages the first loss's counts.
        if let Some(told) = &told
            && (self.answer.message.is_none() || self.answer.lost == told.lost)
        {
            self.answer.message = Some(told.message.clone());
        }
        if self.items == 0 && !self.is_settled {
            self.is_settled = true;
            process.end(self.client, self.number);
            if let Some(since) = self.kept_since
                && let Some(ledger) = process.ledger(self.client)
            {
                let rejected = (self.answer.rejected > 0).then_some(DropReason::Rejected);
                ledger.end(Ended {
                    duration: since.elapsed(),
                    lost: self.answer.lost.or(rejected),
                });
            }
            drop(process);
            process::notify();
            self.answer.retries = self.tally.retries();
            if let Some(caller) = self.caller.take() {
                let _ = caller.send(std::mem::take(&mut self.answer)); // nobody waits any more: it is settled all the same
            }
        }
        told
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if !self.is_settled {
            let message = "the worker failed; please report this".to_owned();
            self.part(self.items, Err((DropReason::Internal, message)));
        }
    }
}

impl Ticket {
    /// Waits for the answer, for so long at most. `None`: not yet.
    #[must_use]
    pub fn wait(&self, limit: Duration) -> Option<Answer> {
        // A signal handler may have forked inside the caller's wait: the request is the parent's, who delivers and counts.
        if self.generation != spanwire_ground::generation() {
            return Some(Answer::lost(
                DropReason::Shutdown,
                "forked while waiting; the parent process delivers these spans",
            ));
        }
        match self.answer.recv_timeout(limit) {
            Ok(answer) => Some(answer),
            Err(RecvTimeoutError::Timeout) if !self.is_overdue(limit) => None,
            Err(_) => Some(Answer::lost(
                DropReason::Internal,
                "the worker does not answer; please report this",
            )),
        }
    }

    fn is_overdue(&self, waited: Duration) -> bool {
        if Instant::now() >= self.deadline {
            self.overdue.set(self.overdue.get() + waited);
        }
        self.overdue.get() > PATIENCE
    }
}

fn reason(error: &SendError, cause: Cause) -> DropReason {
    match (cause, error) {
        (Cause::Interrupted, _) => DropReason::Shutdown,
        (Cause::TimedOut, SendError::TimedOut) => DropReason::Timeout,
        (Cause::Exhausted | Cause::TimedOut, _) => DropReason::Exhausted,
        (Cause::Final, SendError::ResponseTooLarge { .. }) => DropReason::Response,
        (Cause::Final, _) => DropReason::Refused,
    }
}

fn explain(error: &SendError, cause: Cause, tries: u64) -> String {
    match cause {
        Cause::Interrupted if matches!(error, SendError::Shutdown) => error.to_string(),
        Cause::Interrupted => format!("{error} (interrupted by shutdown)"),
        Cause::Exhausted | Cause::TimedOut if tries > 1 => format!("{error} ({tries} requests made)"),
        Cause::Final | Cause::Exhausted | Cause::TimedOut => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_dropped_by_a_panic_is_counted_and_answered() {
        let destination = "http://panic.test/";
        process::lock().account(destination, Signal::Traces).begin(3);
        let (under_way, ticket) = pair(
            u64::MAX,
            1,
            3,
            (destination, Signal::Traces),
            Instant::now() + Duration::from_secs(9),
        );
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            let _held = under_way;
            std::panic::panic_any("on purpose");
        }));
        assert!(panicked.is_err());
        let answer = ticket.wait(Duration::from_secs(9)).expect("answered at once");
        assert_eq!(answer.lost, Some(DropReason::Internal));
        let account = process::accounts(Signal::Traces)[destination].clone();
        assert_eq!((account.queued, &account.dropped[&DropReason::Internal]), (0, &3));
    }

    #[test]
    fn a_request_ends_once() {
        let destination = "http://once.test/";
        process::lock().account(destination, Signal::Traces).begin(2);
        let (under_way, ticket) = pair(
            u64::MAX,
            2,
            2,
            (destination, Signal::Traces),
            Instant::now() + Duration::from_secs(9),
        );
        assert_eq!(ticket.wait(Duration::ZERO), None);
        under_way.end(Ok(Accepted {
            rejected: 9,
            ..Accepted::default()
        }));
        let expected = Answer {
            rejected: 2,
            ..Answer::default()
        };
        assert_eq!(ticket.wait(Duration::from_secs(9)), Some(expected));
        assert_eq!(process::accounts(Signal::Traces)[destination].accepted, 2);
    }

    #[test]
    fn what_is_lost_of_a_request_is_said_by_reason() {
        let destination = "http://parts.test/";
        process::lock().account(destination, Signal::Traces).begin(10);
        let (mut under_way, ticket) = pair(
            u64::MAX,
            5,
            10,
            (destination, Signal::Traces),
            Instant::now() + Duration::from_secs(9),
        );
        let lost = |reason| Err((reason, "no".to_owned()));
        drop(under_way.part(2, lost(DropReason::TooLarge)));
        drop(under_way.part(1, lost(DropReason::Refused)));
        drop(under_way.part(3, lost(DropReason::TooLarge)));
        let rejected = Accepted {
            rejected: 1,
            ..Accepted::default()
        };
        drop(under_way.part(4, Ok(rejected)));
        let answer = ticket.wait(Duration::from_secs(9)).expect("answered at once");
        assert_eq!(answer.losses, [(DropReason::TooLarge, 5), (DropReason::Refused, 1)]);
        assert_eq!((answer.lost, answer.rejected), (Some(DropReason::TooLarge), 1));
    }

    #[test]
    fn a_process_that_was_stopped_past_the_deadline_still_waits_for_its_worker() {
        let destination = "http://stopped.test/";
        process::lock().account(destination, Signal::Traces).begin(1);
        let long_ago = Instant::now()
            .checked_sub(Duration::from_secs(60))
            .expect("up for a minute");
        let (under_way, ticket) = pair(u64::MAX, 3, 1, (destination, Signal::Traces), long_ago);
        assert_eq!(ticket.wait(Duration::from_millis(1)), None);
        under_way.end(Ok(Accepted::default()));
        assert_eq!(ticket.wait(Duration::from_secs(9)), Some(Answer::default()));
    }

    #[test]
    fn a_worker_that_never_answers_is_given_up() {
        let destination = "http://silent.test/";
        process::lock().account(destination, Signal::Traces).begin(1);
        let (under_way, ticket) = pair(u64::MAX, 4, 1, (destination, Signal::Traces), Instant::now());
        ticket.overdue.set(PATIENCE);
        let answer = ticket.wait(Duration::from_millis(1)).expect("given up");
        assert_eq!(answer.lost, Some(DropReason::Internal));
        under_way.end(Ok(Accepted::default()));
    }
}
