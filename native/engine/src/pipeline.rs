//! Several requests of one caller: the next one is made while those before are under way.

use std::collections::VecDeque;

use crate::client::Submitted;
use crate::process::ticket::{Answer, Ticket};

/// Submits what `requests` makes, with at most so many under way meanwhile, and waits for each by `settle`; the sum of the answers. After an
/// error no more are made; those under way go on and are counted.
///
/// # Errors
/// The first of those.
pub fn submit_all<E>(
    requests: impl IntoIterator<Item = Result<Submitted, E>>,
    in_flight: usize,
    mut settle: impl FnMut(Ticket) -> Result<Answer, E>,
) -> Result<Answer, E> {
    let mut all = Answer::default();
    let mut under_way = VecDeque::with_capacity(in_flight);
    for submitted in requests {
        match submitted? {
            Submitted::Answered(answer) => all.add(answer),
            Submitted::UnderWay(ticket) => under_way.push_back(ticket),
        }
        if under_way.len() >= in_flight
            && let Some(ticket) = under_way.pop_front()
        {
            all.add(settle(ticket)?);
        }
    }
    for ticket in under_way {
        all.add(settle(ticket)?);
    }
    Ok(all)
}
