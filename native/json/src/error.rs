//! Why a text is not OTLP/JSON, and where.

use std::fmt::{self, Write};

/// Why a text is not OTLP/JSON: what is wrong, at which line and column, in which field.
#[derive(Debug, thiserror::Error)]
pub struct JsonError {
    source: serde_json::Error,
    path: String,
}

impl JsonError {
    pub(crate) fn new(source: serde_json::Error, path: &[Step]) -> Self {
        let mut text = String::new();
        for step in path {
            // Writing to a String does not fail.
            let _ = match step {
                Step::Field(name) if text.is_empty() => write!(text, "{name}"),
                Step::Field(name) => write!(text, ".{name}"),
                Step::Element(index) => write!(text, "[{index}]"),
            };
        }
        Self { source, path: text }
    }

    /// The field, such as `resourceSpans[0].scopeSpans[1].spans[7].kind`; empty for the text as a whole.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The line, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.source.line()
    }

    /// The column, in bytes from 1; 0 right after a line's end.
    #[must_use]
    pub fn column(&self) -> usize {
        self.source.column()
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.source)?;
        if self.path.is_empty() {
            Ok(())
        } else {
            write!(formatter, ", in {}", self.path)
        }
    }
}

/// A step on the way to a field.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Field(&'static str),
    Element(usize),
}
