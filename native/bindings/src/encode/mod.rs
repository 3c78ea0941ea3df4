//! From the SDK's finished spans to the bytes of an `ExportTraceServiceRequest`.
//!
//! Each span is written once into a scratch region, on the fast path if it is exactly the SDK's own
//! ([`crate::ffi::sdk_span`]), else on the general one ([`general`]); then the groups are put together by one copy.

pub mod drops;
mod general;
mod groups;
mod heads;

use std::sync::{Mutex, OnceLock, RwLock};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use spanwire_wire::arena::Region;

use crate::ffi::batch::Batch;
use crate::ffi::object::Ref;
use crate::ffi::prefetch;
use crate::ffi::sdk_span::{FastEncoder, Memo, Scratch, SdkTypes};
use drops::Drops;
use general::General;
use groups::Groups;
use heads::KeptHeads;

/// How many messages may be nested in the `AnyValue` of a span's or scope's attribute, so that a protobuf parser with the usual
/// limit of 100 takes the request: an array and each of its elements are one, a map is one and each of its entries two.
pub const DEPTH_IN_SPAN: u32 = 96;
/// The same in an event's or link's attribute.
pub const DEPTH_IN_LIST: u32 = 95;
/// The same in a resource's attribute.
pub const DEPTH_IN_RESOURCE: u32 = 97;

/// Memory that the scratch region keeps between batches, bytes.
const KEEP: usize = 4 << 20;

/// The scratch region between batches; who finds it taken or locked makes another.
static SCRATCH: Mutex<Option<Region>> = Mutex::new(None);

/// What is known of the SDK's classes; `Err` says why there is no fast path.
static SDK: OnceLock<Result<RwLock<SdkTypes>, String>> = OnceLock::new();

/// Encodes `spans` (an iterable of finished spans) at the end of `out` as one `ExportTraceServiceRequest` and answers how many
/// spans went in. What cannot be encoded is left out, counted and logged; an error is only raised when `spans` cannot be iterated.
pub fn encode_request(py: Python<'_>, spans: &Bound<'_, PyAny>, w3c_flags: bool, out: &mut Vec<u8>) -> PyResult<usize> {
    encode(py, spans, w3c_flags, |groups, frames| {
        out.reserve(groups.request_len());
        groups.write(frames, &mut |bytes| out.extend_from_slice(bytes));
        Ok(())
    })
    .map(|((), spans)| spans)
}

/// [`encode_request`] as a Python bytes object.
pub fn encode_bytes<'py>(py: Python<'py>, spans: &Bound<'py, PyAny>, w3c_flags: bool) -> PyResult<Bound<'py, PyBytes>> {
    let encoded = encode(py, spans, w3c_flags, |groups, frames| {
        crate::ffi::bytes::filled(py, groups.request_len(), |mut put| groups.write(frames, &mut put))
    });
    encoded.map(|(bytes, _)| bytes)
}

fn encode<'py, T>(
    py: Python<'py>,
    spans: &Bound<'py, PyAny>,
    w3c_flags: bool,
    finish: impl FnOnce(&Groups<'py>, &[u8]) -> PyResult<T>,
) -> PyResult<(T, usize)> {
    let batch = Batch::new(spans)?;
    let types = sdk_types(py);
    let mut writer = Writer {
        py,
        types: types.as_deref(),
        w3c_flags,
        frames: SCRATCH
            .try_lock()
            .ok()
            .and_then(|mut scratch| scratch.take())
            .unwrap_or_default(),
        drops: Drops::default(),
        groups: Groups::new(),
    };
    let written = writer.write(&batch);
    let Writer {
        mut frames,
        drops,
        groups,
        ..
    } = writer;
    let finished = written.and_then(|encoded| Ok((finish(&groups, frames.as_slice())?, encoded)));
    frames.clear(KEEP);
    if let Ok(mut scratch) = SCRATCH.try_lock() {
        *scratch = Some(frames);
    }
    drops.report(py);
    finished
}

/// Writes the frames of one batch and groups them.
struct Writer<'py, 't> {
    py: Python<'py>,
    types: Option<&'t SdkTypes>,
    w3c_flags: bool,
    frames: Region,
    drops: Drops,
    groups: Groups<'py>,
}

impl<'py, 't> Writer<'py, 't> {
    /// Writes all spans; answers how many were not left out. Only what is no `Exception` is raised.
    fn write(&mut self, batch: &Batch<'py>) -> PyResult<usize> {
        let (mut at, mut encoded) = (0, 0);
        let mut fast = self.fast_encoder();
        loop {
            // SAFETY: no Python code runs until the slice is last used, in `write_fast` or where the span is owned.
            let spans = unsafe { batch.now() };
            let Some(&span) = spans.get(at) else { return Ok(encoded) };
            if let Some(encoder) = &mut fast {
                // SAFETY: as above; the batch owns its spans.
                unsafe { prefetch::ahead(encoder.types, spans, at) };
                match self.write_fast(encoder, span) {
                    Fast::Done => {
                        (at, encoded) = (at + 1, encoded + 1);
                        continue;
                    }
                    Fast::PythonRan => encoded += 1,
                    Fast::Unusual => {
                        // SAFETY: borrowed from the batch until here, where a reference of our own is taken.
                        let span = unsafe { Bound::from_borrowed_ptr(self.py, span) };
                        encoded += usize::from(self.write_general(&span));
                    }
                }
                // It may have patched a class, and what is remembered by address may be gone.
                fast = self.fast_encoder();
            } else {
                // SAFETY: as above.
                let span = unsafe { Bound::from_borrowed_ptr(self.py, span) };
                encoded += usize::from(self.write_general(&span));
            }
            self.drops.check()?;
            at += 1;
        }
    }

    fn fast_encoder(&self) -> Option<FastEncoder<'t>> {
        let (w3c_flags, memo, scratch) = (self.w3c_flags, Memo::default(), Scratch::default());
        let types = self.types.filter(|types| types.guards_hold())?;
        Some(FastEncoder {
            types,
            w3c_flags,
            memo,
            scratch,
        })
    }

    #[inline(always)]
    fn write_fast(&mut self, encoder: &mut FastEncoder<'_>, span: *mut pyo3::ffi::PyObject) -> Fast {
        let start = self.frames.len();
        // SAFETY: the batch owns the span and the GIL is held; no Python code runs until `origin` is last used as a borrow.
        let Ok(origin) = encoder.span(&mut self.frames, &mut self.drops, unsafe { Ref::new(span) }) else {
            self.frames.truncate(start);
            return Fast::Unusual;
        };
        self.drops.fast += 1;
        let (resource, scope, end) = (origin.resource.as_ptr(), origin.scope.as_ptr(), self.frames.len());
        if self.groups.add_to_last(resource as usize, scope as usize, start, end) {
            return Fast::Done;
        }
        // SAFETY: borrowed from the span until here, where references of our own are taken, before any Python code runs.
        let (resource, scope) = unsafe {
            (
                Bound::from_borrowed_ptr(self.py, resource),
                Bound::from_borrowed_ptr(self.py, scope),
            )
        };
        let mut heads = KeptHeads {
            types: self.types,
            drops: &mut self.drops,
        };
        if self.groups.add(&mut heads, &resource, &scope, (start, end)) {
            Fast::PythonRan
        } else {
            Fast::Done
        }
    }

    /// `false` if the span was left out.
    #[cold]
    fn write_general(&mut self, span: &Bound<'py, PyAny>) -> bool {
        self.drops.general += 1;
        let start = self.frames.len();
        let mut general = General {
            drops: &mut self.drops,
            w3c_flags: self.w3c_flags,
        };
        if !general.span(&mut self.frames, span) {
            return false;
        }
        let end = self.frames.len();
        let resource = general.any(span, "resource");
        let scope = general.any(span, "instrumentation_scope");
        // As the SDK's encoder: `scope or None`.
        let scope = if scope.is_truthy().unwrap_or(true) {
            scope
        } else {
            self.py.None().into_bound(self.py)
        };
        let mut heads = KeptHeads {
            types: self.types,
            drops: &mut self.drops,
        };
        self.groups.add(&mut heads, &resource, &scope, (start, end));
        true
    }
}

/// What became of a span on the fast path.
enum Fast {
    Done,
    /// Written, but its group had to be found by Python's equality.
    PythonRan,
    Unusual,
}

/// The proved classes, if there is a fast path and no class was patched.
fn sdk_types(py: Python<'_>) -> Option<impl std::ops::Deref<Target = SdkTypes> + use<'_>> {
    let types = SDK.get().unwrap_or_else(|| prove(py)).as_ref().ok()?;
    if let Ok(types) = types.try_read()
        && types.guards_hold()
    {
        return Some(types);
    }
    // A class changed: what was kept may be wrong, and whether the fast path still is right must be asked.
    heads::clear();
    let intact = py
        .import("spanwire._probe")
        .and_then(|probe| probe.call_method0("is_intact")?.is_truthy())
        .unwrap_or_default();
    if !intact {
        return None;
    }
    types.try_write().ok()?.renew_guards(py);
    types.try_read().ok()
}

#[cold]
fn prove(py: Python<'_>) -> &'static Result<RwLock<SdkTypes>, String> {
    let proved = (|| {
        let probe = py.import("spanwire._probe")?;
        if !probe.call_method0("is_intact")?.is_truthy()? {
            return Err(pyo3::exceptions::PyRuntimeError::new_err(
                "a class of the SDK is patched",
            ));
        }
        let types = SdkTypes::prove(&probe)?;
        let samples: Vec<Bound<'_, PyAny>> = probe.call_method0("samples")?.extract()?;
        for w3c_flags in [false, true] {
            if !agrees(&types, &samples, w3c_flags) {
                return Err(pyo3::exceptions::PyRuntimeError::new_err(
                    "this SDK's spans are not as expected",
                ));
            }
        }
        Ok(types)
    })();
    // Another thread may have been faster while Python code ran; either proof will do.
    SDK.get_or_init(|| proved.map(RwLock::new).map_err(|error| error.to_string()))
}

/// Whether both paths write the same for `samples`, and the fast one takes them all.
fn agrees(types: &SdkTypes, samples: &[Bound<'_, PyAny>], w3c_flags: bool) -> bool {
    let mut drops = Drops::default();
    samples.iter().all(|span| {
        let (mut one, mut other) = (Region::new(), Region::new());
        let mut fast = FastEncoder {
            types,
            w3c_flags,
            memo: Memo::default(),
            scratch: Scratch::default(),
        };
        // SAFETY: `samples` owns the span, the GIL is held and no Python code runs meanwhile.
        let read = fast
            .span(&mut one, &mut drops, unsafe { Ref::new(span.as_ptr()) })
            .is_ok();
        read && General {
            drops: &mut drops,
            w3c_flags,
        }
        .span(&mut other, span)
            && one.as_slice() == other.as_slice()
    })
}

/// Counts for `spanwire.stats()`: what was left out, by reason, and how many spans took which path.
pub fn counts(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let counts = drops::counts(py)?;
    let state = match SDK.get() {
        None => "not used yet".to_owned(),
        Some(Ok(types)) => match types.try_read() {
            Ok(types) if types.ints().by_digits() => "on".to_owned(),
            _ => "on, integers by the interpreter's API".to_owned(),
        },
        Some(Err(why)) => format!("off: {why}"),
    };
    counts.set_item("fast_path", state)?;
    Ok(counts)
}
