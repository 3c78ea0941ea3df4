//! Columns through an exporter's client: encoded request by request, so that memory holds what is under way and no more.

use std::collections::VecDeque;

use pyo3::prelude::*;
use spanwire_columns::EncodeError;
use spanwire_columns::encode::{Oversized, Plan};
use spanwire_engine::buffer::Buffer;
use spanwire_engine::client::Submitted;
use spanwire_engine::{Answer, Client, DropReason};

use super::encode::{ColumnEncoder, EncodedHeads, encode_error, heads};
use crate::control::settle;

/// Requests that are under way while the next one is encoded.
const UNDER_WAY: usize = 2;

/// Delivers all spans of the columns and waits for the answers. A span too large for a request by itself is dropped and counted.
pub fn export(
    py: Python<'_>,
    client: &Client,
    encoder: &ColumnEncoder,
    groups: &[EncodedHeads<'_>],
    max_request: usize,
    threads: usize,
) -> PyResult<Answer> {
    if client.is_closed() {
        return Ok(client.lose(
            encoder.rows() as u64,
            DropReason::Shutdown,
            "the exporter is shut down".into(),
        ));
    }
    let groups = heads(groups);
    let plan = py.detach(|| encoder.plan(groups, Some(max_request), Oversized::Skip, threads));
    let plan = plan.map_err(|error| encode_error(&error))?;
    let mut all = Answer::default();
    if plan.skipped() > 0 {
        let skipped = plan.skipped() as u64;
        let message = format!("{skipped} spans are each too large for a request of {max_request} bytes");
        add(&mut all, client.lose(skipped, DropReason::TooLarge, message));
    }
    let mut under_way = VecDeque::with_capacity(UNDER_WAY);
    for request in 0..plan.requests() {
        let submitted = py.detach(|| submit(client, &plan, request, threads));
        match submitted.map_err(|error| encode_error(&error))? {
            Submitted::Answered(answer) => add(&mut all, answer),
            Submitted::UnderWay(ticket) => under_way.push_back(ticket),
        }
        if under_way.len() >= UNDER_WAY
            && let Some(ticket) = under_way.pop_front()
        {
            add(&mut all, settle(py, ticket)?);
        }
    }
    for ticket in under_way {
        add(&mut all, settle(py, ticket)?);
    }
    Ok(all)
}

fn submit(client: &Client, plan: &Plan<'_>, request: usize, threads: usize) -> Result<Submitted, EncodeError> {
    let mut written = plan.write(request..request + 1, threads, || Buffer::take().into_vec())?;
    let buffer = Buffer::from(written.pop().unwrap_or_default());
    Ok(client.submit(buffer, plan.spans(request) as u64))
}

/// One answer for many requests: the first loss, the first message, and sums.
fn add(all: &mut Answer, one: Answer) {
    for &(reason, spans) in &one.losses {
        all.lose(reason, spans);
    }
    if all.lost.is_none() && one.lost.is_some() {
        (all.lost, all.message) = (one.lost, one.message);
    } else if all.message.is_none() {
        all.message = one.message;
    }
    all.rejected += one.rejected;
    all.retries += one.retries;
    all.has_news |= one.has_news;
}
