//! Columns as they are given: numbers and texts in the layouts that numpy and Arrow have.

use crate::ffi::Shared;

/// A column of integers.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "named as the types are")]
pub enum Ints<'a> {
    I8(Shared<'a, i8>),
    U8(Shared<'a, u8>),
    I16(Shared<'a, i16>),
    U16(Shared<'a, u16>),
    I32(Shared<'a, i32>),
    U32(Shared<'a, u32>),
    I64(Shared<'a, i64>),
    U64(Shared<'a, u64>),
}

/// Runs the same code for each width of integers.
macro_rules! with_ints {
    ($ints:expr, $values:ident => $work:expr) => {
        match $ints {
            $crate::encode::source::Ints::I8($values) => $work,
            $crate::encode::source::Ints::U8($values) => $work,
            $crate::encode::source::Ints::I16($values) => $work,
            $crate::encode::source::Ints::U16($values) => $work,
            $crate::encode::source::Ints::I32($values) => $work,
            $crate::encode::source::Ints::U32($values) => $work,
            $crate::encode::source::Ints::I64($values) => $work,
            $crate::encode::source::Ints::U64($values) => $work,
        }
    };
}
pub(crate) use with_ints;

impl Ints<'_> {
    /// Values.
    #[must_use]
    pub const fn len(&self) -> usize {
        with_ints!(self, values => values.len())
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One value, wide enough for all types.
    #[inline(always)]
    pub(crate) fn get(&self, row: usize) -> i128 {
        with_ints!(self, values => i128::from(values.get(row)))
    }
}

/// A column of floating-point numbers.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "named as the types are")]
pub enum Floats<'a> {
    F32(Shared<'a, f32>),
    F64(Shared<'a, f64>),
}

impl Floats<'_> {
    /// Values.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline(always)]
    pub(crate) fn get(&self, row: usize) -> f64 {
        match self {
            Self::F32(values) => values.get(row).into(),
            Self::F64(values) => values.get(row),
        }
    }
}

/// A column of byte strings.
#[derive(Clone, Copy, Debug)]
pub enum Texts<'a> {
    /// So many bytes each; zeros at the end are none of it.
    Fixed {
        /// All bytes.
        data: Shared<'a, u8>,
        /// Bytes a value, not 0.
        width: usize,
    },
    /// So many code points each; zeros at the end are none of it.
    Ucs4 {
        /// All code points.
        data: Shared<'a, u32>,
        /// Code points a value, not 0.
        width: usize,
    },
    /// Value `i` lies from offset `i` to offset `i + 1`.
    Offsets {
        /// One more than there are values.
        offsets: Ints<'a>,
        /// All bytes.
        data: Shared<'a, u8>,
    },
    /// Value `i` is `lengths[i]` bytes from `starts[i]` on.
    Views {
        /// Where they begin.
        starts: Ints<'a>,
        /// How long they are.
        lengths: Ints<'a>,
        /// All bytes.
        data: Shared<'a, u8>,
    },
    /// So many empty values.
    Empty(usize),
}

/// One value of [`Texts`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum Piece<'a> {
    Bytes(&'a [u8]),
    Ucs4(&'a [u32]),
}

impl<'a> Texts<'a> {
    /// Values.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Fixed { data, width } => data.len() / *width,
            Self::Ucs4 { data, width } => data.len() / *width,
            Self::Offsets { offsets, .. } => offsets.len().saturating_sub(1),
            Self::Views { starts, .. } => starts.len(),
            Self::Empty(rows) => *rows,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One value, without a look at its text.
    #[inline(always)]
    pub(crate) fn get(&self, row: usize) -> Result<Piece<'a>, String> {
        Ok(match self {
            Self::Fixed { data, width } => {
                let value = data.slice(row * width, (row + 1) * width);
                Piece::Bytes(&value[..without_zeros(value)])
            }
            Self::Ucs4 { data, width } => {
                let value = data.slice(row * width, (row + 1) * width);
                let len = value.iter().rposition(|&point| point != 0).map_or(0, |last| last + 1);
                Piece::Ucs4(&value[..len])
            }
            Self::Offsets { offsets, data } => {
                let (start, end) = (offsets.get(row), offsets.get(row + 1));
                Piece::Bytes(within(data, start, end)?)
            }
            Self::Views { starts, lengths, data } => {
                let (start, len) = (starts.get(row), lengths.get(row));
                Piece::Bytes(within(data, start, start + len)?)
            }
            Self::Empty(_) => Piece::Bytes(&[]),
        })
    }
}

/// `data[start..end]`, if that is a range within it.
#[inline(always)]
pub(crate) fn within<'a>(data: &Shared<'a, u8>, start: i128, end: i128) -> Result<&'a [u8], String> {
    match (usize::try_from(start), usize::try_from(end)) {
        (Ok(from), Ok(to)) if from <= to && to <= data.len() => Ok(data.slice(from, to)),
        _ => Err(outside(data.len(), start, end)),
    }
}

#[cold]
fn outside(len: usize, start: i128, end: i128) -> String {
    format!("its offsets say {start}:{end}, and there are {len} bytes of data")
}

/// How long `value` is without the zeros at its end.
#[inline(always)]
pub(crate) fn without_zeros(value: &[u8]) -> usize {
    let mut len = value.len();
    while let Some(end) = value[..len].last_chunk::<8>() {
        let word = u64::from_le_bytes(*end);
        if word != 0 {
            return len - word.leading_zeros() as usize / 8;
        }
        len -= 8;
    }
    value[..len]
        .iter()
        .rposition(|&byte| byte != 0)
        .map_or(0, |last| last + 1)
}

/// The values of a column.
#[derive(Clone, Debug)]
pub enum Values<'a> {
    /// UTF-8 text.
    Str(Texts<'a>),
    /// Bytes.
    Bytes(Texts<'a>),
    /// Encoded `AnyValue` messages.
    Any(Texts<'a>),
    /// Integers that fit 64 bits with a sign.
    Int(Ints<'a>),
    /// Doubles.
    Double(Floats<'a>),
    /// Booleans: all but 0 is true.
    Bool(Shared<'a, u8>),
    /// Few different values: which of them each is, less than 0 where there is none.
    Dictionary(Ints<'a>, Box<Values<'a>>),
}

impl Values<'_> {
    /// Values.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Str(texts) | Self::Bytes(texts) | Self::Any(texts) => texts.len(),
            Self::Int(ints) | Self::Dictionary(ints, _) => ints.len(),
            Self::Double(floats) => floats.len(),
            Self::Bool(truths) => truths.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A column.
#[derive(Clone, Debug)]
pub struct Column<'a> {
    /// For errors.
    pub name: String,
    /// Its values.
    pub values: Values<'a>,
    /// Where not 0, there is no value.
    pub mask: Option<Shared<'a, u8>>,
}

/// Attributes that are not columns: any number for each row.
#[derive(Clone, Debug)]
pub struct Ragged<'a> {
    /// One more than there are rows: which attributes are of which row.
    pub offsets: Ints<'a>,
    /// Keys, a value for each attribute.
    pub keys: Column<'a>,
    /// Values, a value for each attribute.
    pub values: Column<'a>,
}

/// Attributes of spans, events or links.
#[derive(Clone, Debug, Default)]
pub struct Attributes<'a> {
    /// Keys and their columns, in order.
    pub columns: Vec<(String, Column<'a>)>,
    /// What follows them.
    pub ragged: Option<Ragged<'a>>,
    /// What was dropped.
    pub dropped: Option<(String, Ints<'a>)>,
}

/// The events of spans.
#[derive(Clone, Debug)]
pub struct Events<'a> {
    /// One more than there are spans: which events are of which span.
    pub offsets: Ints<'a>,
    /// Nanoseconds since the epoch.
    pub time: Shared<'a, u64>,
    /// Names.
    pub name: Column<'a>,
    /// Their attributes.
    pub attributes: Attributes<'a>,
}

/// The links of spans.
#[derive(Clone, Debug)]
pub struct Links<'a> {
    /// One more than there are spans: which links are of which span.
    pub offsets: Ints<'a>,
    /// 16 bytes each.
    pub trace_id: Shared<'a, u8>,
    /// 8 bytes each.
    pub span_id: Shared<'a, u8>,
    /// As in the W3C header.
    pub trace_state: Option<Column<'a>>,
    /// Their attributes.
    pub attributes: Attributes<'a>,
    /// `Link.flags`; 0x100 each if not given.
    pub flags: Option<(String, Ints<'a>)>,
}

/// Spans as columns. Columns of other lengths than `rows` are refused when they are used.
#[derive(Clone, Debug)]
pub struct Spans<'a> {
    /// How many.
    pub rows: usize,
    /// 16 bytes each.
    pub trace_id: Shared<'a, u8>,
    /// 8 bytes each.
    pub span_id: Shared<'a, u8>,
    /// 8 bytes each, zeros where there is none.
    pub parent_span_id: Option<Shared<'a, u8>>,
    /// As in the W3C header.
    pub trace_state: Option<Column<'a>>,
    /// Names.
    pub name: Column<'a>,
    /// As OTLP numbers them; 1 (internal) each if not given.
    pub kind: Option<(String, Ints<'a>)>,
    /// Nanoseconds since the epoch.
    pub start: Shared<'a, u64>,
    /// Nanoseconds since the epoch.
    pub end: Shared<'a, u64>,
    /// Their attributes.
    pub attributes: Attributes<'a>,
    /// Their events.
    pub events: Option<Events<'a>>,
    /// Events that were dropped.
    pub dropped_events: Option<(String, Ints<'a>)>,
    /// Their links.
    pub links: Option<Links<'a>>,
    /// Links that were dropped.
    pub dropped_links: Option<(String, Ints<'a>)>,
    /// As OTLP numbers them; 0 (unset) each if not given.
    pub status_code: Option<(String, Ints<'a>)>,
    /// Texts.
    pub status_message: Option<Column<'a>>,
    /// `Span.flags`; 0x100 each if not given.
    pub flags: Option<(String, Ints<'a>)>,
}
