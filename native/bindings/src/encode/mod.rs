//! From the SDK's finished spans to the bytes of an `ExportTraceServiceRequest`.
//!
//! Each span is written once, on the fast path if it is exactly the SDK's own ([`crate::ffi::sdk_span`]), else on the general one
//! ([`general`]). If all are of one resource and scope, the request is written in place; otherwise the groups are put together
//! by one copy.

pub mod depth;
pub mod drops;
mod general;
mod groups;
mod head;
mod heads;
mod sdk;
mod writer;

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};
use spanwire_queue::{Attached, Group};
use spanwire_wire::arena::Region;
use spanwire_wire::varint::{decode_varint, varint_len};

use crate::ffi::batch::Batch;
use crate::ffi::bytes;
use drops::Drops;
use groups::{Groups, Heads};
use heads::KeptHeads;
use writer::Writer;

pub use head::Head;

/// Memory that is kept for the next request of several groups, bytes.
const KEEP: usize = 4 << 20;

/// That memory; who finds it locked makes other.
static SPARE: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// The most that is reserved before anything was written, bytes: a batch of few huge spans says little about the next one.
const MOST_GUESSED: usize = 32 << 20;

/// Bytes a span of the last request, from which the next one's room is guessed.
static BYTES_A_SPAN: AtomicUsize = AtomicUsize::new(256);

/// Encodes `spans` (an iterable of finished spans) into `out`, which is cleared first, as one `ExportTraceServiceRequest` and
/// answers how many spans went in. What cannot be encoded is left out, counted and logged; raised is only that `spans` cannot be
/// iterated, and what is no `Exception` (Ctrl-C).
pub fn encode_request(py: Python<'_>, spans: &Bound<'_, PyAny>, w3c_flags: bool, out: &mut Vec<u8>) -> PyResult<usize> {
    let batch = Batch::new(spans)?;
    out.clear();
    out.reserve(guess(batch.len()));
    let mut frames = Region::from(std::mem::take(out));
    let encoded = encode(py, &batch, w3c_flags, &mut frames);
    *out = frames.into_vec();
    let (encoded, groups) = encoded?;
    if let Some(groups) = groups {
        let mut request = SPARE
            .try_lock()
            .map(|mut spare| std::mem::take(&mut *spare))
            .unwrap_or_default();
        request.reserve(groups.request_len());
        groups.write(out, &mut |bytes| request.extend_from_slice(bytes));
        let mut spare = std::mem::replace(out, request);
        spare.clear();
        spare.shrink_to(KEEP);
        if let Ok(mut kept) = SPARE.try_lock() {
            *kept = spare;
        }
    }
    Ok(encoded)
}

/// [`encode_request`] as a Python bytes object.
pub fn encode_bytes<'py>(py: Python<'py>, spans: &Bound<'py, PyAny>, w3c_flags: bool) -> PyResult<Bound<'py, PyBytes>> {
    let batch = Batch::new(spans)?;
    bytes::in_place(py, guess(batch.len()), |frames| {
        let (_, groups) = encode(py, &batch, w3c_flags, frames)?;
        let together = |groups: Groups<'py>| {
            bytes::filled(py, groups.request_len(), |mut put| {
                groups.write(frames.as_slice(), &mut put);
            })
        };
        groups.map(together).transpose()
    })
}

/// Bytes that `spans` spans will probably take, but no more than may be asked for on a guess.
fn guess(spans: usize) -> usize {
    let bytes = spans
        .saturating_mul(BYTES_A_SPAN.load(Ordering::Relaxed))
        .min(MOST_GUESSED);
    bytes + bytes / 8 + 2048
}

/// Writes the request into `frames`, which is empty; or, if there are several groups, only their frames, and answers the groups.
fn encode<'py>(
    py: Python<'py>,
    batch: &Batch<'py>,
    w3c_flags: bool,
    frames: &mut Region,
) -> PyResult<(usize, Option<Groups<'py>>)> {
    let types = sdk::types(py)?;
    let mut writer = Writer {
        types: types.as_deref(),
        w3c_flags,
        frames,
        drops: Drops::default(),
        groups: Groups::new(),
        open: None,
        width: u8::try_from(varint_len(guess(batch.len()) as u64)).unwrap_or(3).min(4),
    };
    let written = writer.write(batch);
    let in_place = writer.finish();
    let Writer { drops, groups, .. } = writer;
    let reported = drops.report(py);
    let encoded = written?;
    reported?;
    if let Some(average) = frames.len().checked_div(encoded) {
        BYTES_A_SPAN.store(average, Ordering::Relaxed);
    }
    Ok((encoded, (!in_place).then_some(groups)))
}

/// The encoded heads of `resource` and `scope`, for a native tracer, which keeps them.
pub fn heads(resource: &Bound<'_, PyAny>, scope: &Bound<'_, PyAny>) -> PyResult<(Head, Head)> {
    let mut drops = Drops::default();
    let mut kept = KeptHeads {
        types: None,
        drops: &mut drops,
    };
    let heads = (kept.resource(resource), kept.scope(scope));
    drops.report(resource.py())?;
    Ok(heads)
}

/// The heads as a queue has them, and what goes with them.
pub fn group(resource: &Head, scope: &Head, attached: Attached) -> Arc<Group> {
    Arc::new(Group {
        attached,
        resource: resource.message.to_vec(),
        resource_schema: resource.schema_url.to_vec(),
        scope: scope.message.to_vec(),
        scope_schema: scope.schema_url.to_vec(),
    })
}

/// The heads of a resource and a scope, as the spans of a batch get them.
pub fn heads_of(resource: &Bound<'_, PyAny>, scope: &Bound<'_, PyAny>) -> PyResult<(Head, Head)> {
    let py = resource.py();
    let types = sdk::types(py)?;
    let mut drops = Drops::default();
    let mut kept = KeptHeads {
        types: types.as_deref(),
        drops: &mut drops,
    };
    let heads = (kept.resource(resource), kept.scope(scope));
    drops.report(py)?;
    Ok(heads)
}

/// Each value as an `AnyValue` message, one behind the other, and where each begins and ends. One that OTLP cannot hold is an error,
/// which tells its place in the column `name`.
pub fn any_values(values: &Bound<'_, PyList>, name: &str) -> PyResult<(Vec<i64>, Vec<u8>)> {
    let mut out = Region::new();
    let mut offsets = Vec::with_capacity(values.len() + 1);
    offsets.push(0);
    for (row, value) in values.iter().enumerate() {
        general::value(&mut out, &value)?.map_err(|why| PyValueError::new_err(format!("{name}, row {row}: {why}")))?;
        offsets.push(i64::try_from(out.len())?);
    }
    Ok((offsets, out.into_vec()))
}

/// One encoded span.
pub struct Frame {
    pub resource: Head,
    pub scope: Head,
    bytes: Region,
    range: Range<usize>,
}

impl Frame {
    /// The `Span` message with its tag and length.
    pub fn message(&self) -> &[u8] {
        &self.bytes.as_slice()[self.range.clone()]
    }
}

/// Encodes one finished span; `None` if it has no usable ids (counted).
pub fn frame(span: &Bound<'_, PyAny>, w3c_flags: bool) -> PyResult<Option<Frame>> {
    let py = span.py();
    let types = sdk::types(py)?;
    let mut bytes = Region::with_capacity(1024);
    let mut writer = Writer {
        types: types.as_deref(),
        w3c_flags,
        frames: &mut bytes,
        drops: Drops::default(),
        groups: Groups::new(),
        open: None,
        width: 2,
    };
    let written = writer.write(&Batch::new(PyTuple::new(py, [span])?.as_any())?);
    let Writer { drops, groups, .. } = writer;
    let reported = drops.report(py);
    written?;
    reported?;
    let only = groups.only().zip(groups.first_run());
    Ok(only.map(|((resource, scope), range)| Frame {
        resource: resource.clone(),
        scope: scope.clone(),
        bytes,
        range,
    }))
}

/// One span as a `Span` message by its public attributes, W3C flags included; `None` if it has no usable ids (counted).
pub fn encode_span<'py>(py: Python<'py>, span: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let (mut drops, mut out) = (Drops::default(), Region::new());
    let mut general = general::General {
        drops: &mut drops,
        w3c_flags: true,
    };
    let written = general.span(&mut out, span);
    drops.report(py)?;
    if !written {
        return Ok(None);
    }
    // Behind the tag and the length under which a `ScopeSpans` holds it.
    let (_, width) = decode_varint(&out.as_slice()[1..]).unwrap_or_default();
    Ok(Some(PyBytes::new(py, &out.as_slice()[1 + width..])))
}

/// Counts for `spanwire.stats()`: what was left out, by reason, and how many spans took which path.
pub fn counts(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let counts = drops::counts(py)?;
    counts.set_item("fast_path", sdk::state())?;
    Ok(counts)
}
