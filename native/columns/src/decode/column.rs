//! One key's values, and which rows have none.

use super::error::DecodeError;
use super::views::{View, Views, reserve};

/// The value of one attribute.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    Text(View),
    Bytes(View),
    Int(i64),
    Double(f64),
    Bool(bool),
    /// An array, a map, null, or what traces have no type for: the encoded `AnyValue`.
    Any(View),
}

/// The values of a column, absent ones included: those are zero or empty.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// UTF-8.
    Text(Views),
    /// Bytes.
    Bytes(Views),
    /// Integers.
    Int(Vec<i64>),
    /// Doubles.
    Double(Vec<f64>),
    /// Booleans: 0 or 1.
    Bool(Vec<u8>),
    /// Encoded `AnyValue` messages.
    Any(Views),
}

impl Values {
    fn new(value: &Value) -> Self {
        match value {
            Value::Text(_) => Self::Text(Views::default()),
            Value::Bytes(_) => Self::Bytes(Views::default()),
            Value::Int(_) => Self::Int(Vec::new()),
            Value::Double(_) => Self::Double(Vec::new()),
            Value::Bool(_) => Self::Bool(Vec::new()),
            Value::Any(_) => Self::Any(Views::default()),
        }
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Text(views) | Self::Bytes(views) | Self::Any(views) => views.len(),
            Self::Int(values) => values.len(),
            Self::Double(values) => values.len(),
            Self::Bool(values) => values.len(),
        }
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes a row.
    const fn width(&self) -> usize {
        match self {
            Self::Text(_) | Self::Bytes(_) | Self::Any(_) => 12,
            Self::Int(_) | Self::Double(_) => 8,
            Self::Bool(_) => 1,
        }
    }

    fn reserve(&mut self, rows: usize) {
        match self {
            Self::Text(views) | Self::Bytes(views) | Self::Any(views) => views.reserve(rows),
            Self::Int(values) => reserve(values, rows),
            Self::Double(values) => reserve(values, rows),
            Self::Bool(values) => reserve(values, rows),
        }
    }

    fn resize(&mut self, rows: usize) {
        match self {
            Self::Text(views) | Self::Bytes(views) | Self::Any(views) => views.resize(rows),
            Self::Int(values) => values.resize(rows, 0),
            Self::Double(values) => values.resize(rows, 0.0),
            Self::Bool(values) => values.resize(rows, 0),
        }
    }
}

/// A column under construction: it ends at the last row that has a value.
#[derive(Debug)]
pub(super) struct Column {
    /// Where the key was seen first.
    pub key: View,
    /// What a `KeyValue` with this key begins with, up to the tag of the value; empty for keys of 128 bytes or more.
    pub head: Box<[u8]>,
    /// The place in the order of the columns.
    pub rank: u32,
    /// The column that came next in a row before.
    pub next: u32,
    pub values: Values,
    /// 1 where there is no value; empty as long as there is one everywhere.
    pub absent: Vec<u8>,
    /// How many values there are.
    pub filled: usize,
}

impl Column {
    pub fn new(key: View, text: &[u8], value: &Value) -> Self {
        let head = match u8::try_from(text.len()) {
            Ok(len) if len < 0x80 => [&[0x0A, len], text, &[0x12]].concat(),
            _ => Vec::new(),
        };
        Self {
            key,
            head: head.into(),
            rank: 0,
            next: u32::MAX,
            values: Values::new(value),
            absent: Vec::new(),
            filled: 0,
        }
    }

    /// Makes room for so many rows.
    pub fn reserve(&mut self, rows: usize) {
        self.values.reserve(rows);
        if !self.absent.is_empty() {
            reserve(&mut self.absent, rows);
        }
    }

    /// Bytes that the rows up to `rows` would take for absent values.
    pub fn gap(&self, rows: usize) -> usize {
        rows.saturating_sub(self.values.len()) * (self.values.width() + 1)
    }

    /// Fills up with absent values.
    #[cold]
    pub fn pad(&mut self, rows: usize) {
        if self.values.len() < rows {
            self.absent.resize(self.values.len(), 0);
            self.absent.resize(rows, 1);
            self.values.resize(rows);
        }
    }

    /// Adds a value behind the last row; false if it is of another type.
    #[inline(always)]
    pub fn push(&mut self, value: Value) -> Result<bool, DecodeError> {
        match (&mut self.values, value) {
            (Values::Text(views), Value::Text(view))
            | (Values::Bytes(views), Value::Bytes(view))
            | (Values::Any(views), Value::Any(view)) => views.push(view)?,
            (Values::Int(values), Value::Int(value)) => values.push(value),
            (Values::Double(values), Value::Double(value)) => values.push(value),
            (Values::Bool(values), Value::Bool(value)) => values.push(value.into()),
            _ => return Ok(false),
        }
        self.filled += 1;
        if !self.absent.is_empty() {
            self.absent.push(0);
        }
        Ok(true)
    }

    /// Whether it holds values like this one.
    pub fn takes(&self, value: &Value) -> bool {
        matches!(
            (&self.values, value),
            (Values::Text(_), Value::Text(_))
                | (Values::Bytes(_), Value::Bytes(_))
                | (Values::Int(_), Value::Int(_))
                | (Values::Double(_), Value::Double(_))
                | (Values::Bool(_), Value::Bool(_))
                | (Values::Any(_), _)
        )
    }

    /// Forgets `row` and all behind it.
    pub fn truncate(&mut self, row: usize) {
        let rows = self.values.len();
        if rows > row {
            let absent = self.absent.get(row..).unwrap_or_default();
            self.filled -= rows - row - absent.iter().map(|&absent| usize::from(absent)).sum::<usize>();
            self.values.resize(row);
            self.absent.truncate(row);
        }
    }

    /// Bytes that `rows` rows take for absent values.
    pub fn absent_cost(&self, rows: usize) -> usize {
        rows.saturating_sub(self.filled).saturating_mul(self.values.width() + 1)
    }
}
