//! Columns through an exporter's client: encoded request by request, so that memory holds what is under way and no more.

use pyo3::prelude::*;
use spanwire_columns::EncodeError;
use spanwire_columns::encode::{Oversized, Plan};
use spanwire_engine::client::Submitted;
use spanwire_engine::pipeline::submit_all;
use spanwire_engine::process::buffer::Buffer;
use spanwire_engine::{Answer, Client, DropReason};
use spanwire_wire::Signal;

use super::encode::{ColumnEncoder, EncodedHeads, encode_error, heads};
use crate::waiting::settle;

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
            Signal::Traces,
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
        all.add(client.lose(Signal::Traces, skipped, DropReason::TooLarge, message));
    }
    let requests = (0..plan.requests()).map(|request| {
        let submitted = py.detach(|| submit(client, &plan, request, threads));
        submitted.map_err(|error| encode_error(&error))
    });
    all.add(submit_all(requests, UNDER_WAY, |ticket| settle(py, ticket))?);
    Ok(all)
}

fn submit(client: &Client, plan: &Plan<'_>, request: usize, threads: usize) -> Result<Submitted, EncodeError> {
    let mut written = plan.write(request..request + 1, threads, || Buffer::take().into_vec())?;
    let buffer = Buffer::from(written.pop().unwrap_or_default());
    Ok(client.submit(Signal::Traces, buffer, plan.spans(request) as u64))
}
