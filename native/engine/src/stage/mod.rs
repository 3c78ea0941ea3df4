//! [`Stage`]: what may happen to items between a queue and a destination.

pub mod filter;

use std::fmt::Debug;
use std::sync::Arc;

use spanwire_queue::{Batch, Group, Verdict};

/// Maps frames to frames: sampling, redaction, transformation. Stages run on the worker, one after the other, on each batch before it
/// becomes a request.
pub trait Stage: Debug + Send + Sync {
    /// What becomes of a span: its group (resource and scope) and its content, a `Span` message without tag and length.
    fn frame(&self, group: &Group, span: &[u8]) -> Verdict;
}

/// The stages of a client, in order.
pub type Stages = Arc<[Arc<dyn Stage>]>;

/// Sends a batch through the stages; how many items they dropped.
pub fn pass(batch: &mut Batch, stages: &Stages) -> u64 {
    let before = batch.frames();
    for stage in stages.iter() {
        batch.pass(|group, span| stage.frame(group, span));
    }
    (before - batch.frames()) as u64
}
