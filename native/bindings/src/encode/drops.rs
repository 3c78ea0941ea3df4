//! What could not be encoded: counted for ever, collected a batch for the log.

use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Why something was left out, as `spanwire.stats()` names it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Drop {
    /// An attribute's integer does not fit 64 bits.
    IntegerRange,
    /// An attribute's key or value has lone surrogates, so it is no Unicode text.
    Text,
    /// An attribute is nested too deeply for a protobuf parser.
    Depth,
    /// An attribute's value has a type that OTLP does not have.
    Type,
    /// Reading an attribute raised an exception.
    Raised,
    /// An attribute's key is no string.
    Key,
    /// A field of a span, event, link, resource or scope could not be read or written: it is left out or repaired.
    Field,
    /// A span has no usable ids: the span is left out.
    Span,
}

impl Drop {
    const ALL: [Drop; 8] = [
        Drop::IntegerRange,
        Drop::Text,
        Drop::Depth,
        Drop::Type,
        Drop::Raised,
        Drop::Key,
        Drop::Field,
        Drop::Span,
    ];

    /// The reason in `stats()` and, after `encode-`, the kind of the log line.
    fn name(self) -> &'static str {
        match self {
            Drop::IntegerRange => "integer_range",
            Drop::Text => "text",
            Drop::Depth => "depth",
            Drop::Type => "type",
            Drop::Raised => "raised",
            Drop::Key => "key",
            Drop::Field => "field",
            Drop::Span => "span",
        }
    }

    fn what(self) -> &'static str {
        match self {
            Drop::Field => "spanwire: left out a field",
            Drop::Span => "spanwire: left out a span",
            _ => "spanwire: left out an attribute",
        }
    }
}

static DROPPED: [AtomicU64; Drop::ALL.len()] = [const { AtomicU64::new(0) }; Drop::ALL.len()];
static FAST: AtomicU64 = AtomicU64::new(0);
static GENERAL: AtomicU64 = AtomicU64::new(0);

/// What one batch lost.
#[derive(Default)]
pub struct Drops {
    counts: [u64; Drop::ALL.len()],
    /// The first of each kind: name and reason.
    examples: [Option<(String, String)>; Drop::ALL.len()],
    pub fast: u64,
    pub general: u64,
    /// What is no `Exception` (Ctrl-C, `SystemExit`) ends the batch and reaches the caller.
    fatal: Option<PyErr>,
}

impl Drops {
    /// Counts one under `reason`; `name` and `why` are kept if it is the first.
    #[cold]
    pub fn add(&mut self, reason: Drop, name: &str, why: &str) {
        let index = reason as usize;
        self.counts[index] += 1;
        let example = &mut self.examples[index];
        if example.is_none() {
            // Long ones would make long lines.
            *example = Some((name.chars().take(100).collect(), why.chars().take(300).collect()));
        }
    }

    /// Counts what was left out because reading it raised `error`.
    #[cold]
    pub fn add_raised(&mut self, reason: Drop, name: &str, error: PyErr) {
        let fatal = Python::attach(|py| !error.is_instance_of::<PyException>(py));
        if fatal {
            self.fatal.get_or_insert(error);
        } else {
            self.add(reason, name, &error.to_string());
        }
    }

    /// Whether something was raised that the caller must hear.
    pub fn check(&mut self) -> PyResult<()> {
        self.fatal.take().map_or(Ok(()), Err)
    }

    /// Adds the batch to the process's counts and tells people, through `spanwire._telemetry.log`. Only what is no `Exception` is raised.
    pub fn report(mut self, py: Python<'_>) -> PyResult<()> {
        FAST.fetch_add(self.fast, Ordering::Relaxed);
        GENERAL.fetch_add(self.general, Ordering::Relaxed);
        for (index, reason) in Drop::ALL.into_iter().enumerate() {
            let count = self.counts[index];
            if count == 0 {
                continue;
            }
            DROPPED[index].fetch_add(count, Ordering::Relaxed);
            let Some((name, why)) = &self.examples[index] else {
                continue;
            };
            let line = py.import("spanwire._telemetry.log").and_then(|log| {
                let kind = format!("encode-{}", reason.name());
                log.call_method1(
                    "warn",
                    (
                        kind,
                        format!("{} (%d in this batch): %r: %s", reason.what()),
                        count,
                        name,
                        why,
                    ),
                )
            });
            match line {
                Err(error) if error.is_instance_of::<PyException>(py) => error.write_unraisable(py, None),
                Err(error) => self.fatal = Some(error),
                Ok(_) => {}
            }
        }
        self.check()
    }
}

/// Counts one left-out thing at once, for callers that must not run Python code (the façade writes the log line).
#[cold]
pub fn count(reason: Drop) {
    DROPPED[reason as usize].fetch_add(1, Ordering::Relaxed);
}

/// All counts of this process since it began, or since it was forked from one that had them.
pub fn counts(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let dropped = PyDict::new(py);
    for (index, reason) in Drop::ALL.into_iter().enumerate() {
        dropped.set_item(reason.name(), DROPPED[index].load(Ordering::Relaxed))?;
    }
    let counts = PyDict::new(py);
    counts.set_item("dropped", dropped)?;
    counts.set_item("spans_fast", FAST.load(Ordering::Relaxed))?;
    counts.set_item("spans_general", GENERAL.load(Ordering::Relaxed))?;
    Ok(counts)
}
