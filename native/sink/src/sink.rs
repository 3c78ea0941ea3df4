//! The consumer: what happens to a request between its first line and its answer.

use std::time::Duration;

use spanwire_receiver::{Consumer, Fault, Outcome, Received, Refusal};
use spanwire_wire::Signal;

use crate::faults::{Faults, Injected};
use crate::store::{ReceivedRequest, Store};

/// What was received, and what is ordered to go wrong.
#[derive(Debug)]
pub struct Sink {
    store: Store,
    faults: Faults,
}

impl Sink {
    /// A sink that keeps at most `kept_bytes` of requests.
    #[must_use]
    pub fn new(kept_bytes: usize) -> Self {
        Self {
            store: Store::new(kept_bytes),
            faults: Faults::default(),
        }
    }

    /// What was received.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What is ordered to go wrong.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }
}

impl Consumer for Sink {
    type Call = Option<Injected>;

    fn connect(&self) -> Option<Fault> {
        self.faults.next_for_connection()
    }

    fn begin(&self, _: Signal) -> Result<Self::Call, Box<Fault>> {
        self.store.attempt();
        match self.faults.next() {
            Some(injected) if injected.fault.is_before_body() => Err(Box::new(injected.fault)),
            injected => Ok(injected),
        }
    }

    async fn consume(&self, injected: Self::Call, received: Received) -> Outcome {
        let items = received.items;
        let Some(injected) = injected else {
            self.store.add(ReceivedRequest { received, rejected: 0 });
            return Outcome::Taken;
        };
        delay(injected.fault.delay).await;
        if injected.keeps() {
            let rejected = if injected.fault.is_partial_success() {
                injected.fault.rejected.min(items)
            } else {
                0
            };
            self.store.add(ReceivedRequest { received, rejected });
        }
        Outcome::Faulty(Box::new(injected.fault))
    }

    async fn refuse(&self, injected: Self::Call, refusal: Refusal) -> Outcome {
        let Some(injected) = injected else {
            return Outcome::Refused(refusal);
        };
        delay(injected.fault.delay).await;
        // An answer that says "accepted" must be true, whatever the test ordered besides.
        if injected.keeps() {
            return Outcome::Refused(refusal);
        }
        Outcome::Faulty(Box::new(injected.fault))
    }

    fn stop(&self) {
        self.store.stop();
    }
}

async fn delay(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}
