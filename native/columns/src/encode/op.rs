//! [`Op`]: how one field of a message is made of columns; a message is a list of them.

use spanwire_wire::tag::{self, len_tag, varint_tag};
use spanwire_wire::varint::{MAX_VARINT_LEN, varint_len};

use super::cells::{BLOCK, Cells, Source};
use super::source::{Floats, Ints, with_ints};
use super::table::ABSENT;
use crate::error::EncodeError;
use crate::ffi::{Plain, Shared};

/// The tag of a `KeyValue`'s value.
pub(crate) const ANY_VALUE: u8 = len_tag(tag::key_value::VALUE);

/// The tag of a `KeyValue`'s key.
pub(crate) const KEY: u8 = len_tag(tag::key_value::KEY);

/// The tags of a `Status`.
pub(crate) const STATUS_MESSAGE: u8 = len_tag(tag::status::MESSAGE);
pub(crate) const STATUS_CODE: u8 = varint_tag(tag::status::CODE);

/// The value's type in its `AnyValue`, and what its bytes are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Scalar {
    /// A string or bytes: tag, length, content.
    Tagged,
    /// An `AnyValue` message as it is.
    Message,
}

/// The content of an `AnyValue`.
#[derive(Debug)]
pub(crate) enum Value<'a> {
    /// Bytes under a tag, or a message as it is.
    Bytes { scalar: Scalar, source: Source<'a> },
    /// An integer.
    Int {
        name: String,
        mask: Option<Shared<'a, u8>>,
        values: Ints<'a>,
    },
    /// A double.
    Double {
        mask: Option<Shared<'a, u8>>,
        values: Floats<'a>,
    },
}

/// One field.
#[derive(Debug)]
pub(crate) enum Op<'a> {
    /// The same bytes for each row.
    Constant(Vec<u8>),
    /// Trace id and span id: how every span and link starts.
    Ids {
        tags: [u8; 2],
        trace: Shared<'a, u8>,
        span: Shared<'a, u8>,
    },
    /// A span id; left out where it is zeros.
    Id8 { tag: u8, ids: Shared<'a, u8> },
    /// Eight bytes; left out where 0.
    Fixed64 { tag: u8, values: Shared<'a, u64> },
    /// Four bytes; left out where 0.
    Fixed32 { tag: u16, name: String, values: Ints<'a> },
    /// A number of 32 bits; left out where 0.
    Varint { tag: u8, name: String, values: Ints<'a> },
    /// A string; left out where empty.
    Text { tag: u8, source: Source<'a> },
    /// Fields that were made before; nothing where absent.
    Made(Source<'a>),
    /// A `Status`, also if empty.
    Status {
        tag: u8,
        code: Option<(String, Ints<'a>)>,
        message: Option<Source<'a>>,
    },
    /// A `KeyValue`; nothing where the value is absent.
    Attribute { head: Head, value: Value<'a> },
    /// Any number of messages or attributes.
    Items(Items<'a>),
}

/// What rows have any number of.
#[derive(Debug)]
pub(crate) struct Items<'a> {
    /// For errors.
    pub name: String,
    /// One more than there are rows: which items are of which row.
    pub offsets: Ints<'a>,
    /// How many items there are.
    pub count: usize,
    pub kind: ItemKind<'a>,
}

#[derive(Debug)]
pub(crate) enum ItemKind<'a> {
    /// Messages under a tag, each with these fields.
    Messages { tag: u8, fields: Vec<Op<'a>> },
    /// Attributes under a tag, with these keys.
    Attributes {
        tag: u8,
        keys: Source<'a>,
        value_tag: u8,
        value: Box<Value<'a>>,
    },
}

/// What stands in front of an attribute's value: `tag, length, key, tag of the value, length, tag in the value`, the lengths to be
/// filled in.
#[derive(Debug)]
pub(crate) struct Head {
    /// As if both lengths were one byte.
    pub short: Vec<u8>,
    /// The key with its tag and length.
    pub key: Vec<u8>,
    pub tag: u8,
    /// The tag in the `AnyValue`; 0 if the value brings its own.
    pub value_tag: u8,
}

impl Head {
    pub fn new(tag: u8, key: &[u8], value_tag: u8) -> Self {
        let mut field = spanwire_wire::arena::Region::new();
        spanwire_wire::write::bytes_field(&mut field, KEY, key);
        let key = field.into_vec();
        let mut short = vec![tag, 0];
        short.extend_from_slice(&key);
        short.extend_from_slice(&[ANY_VALUE, 0]);
        if value_tag != 0 {
            short.push(value_tag);
        }
        Self {
            short,
            key,
            tag,
            value_tag,
        }
    }

    /// Bytes of a `KeyValue` with an `AnyValue` of none, if all lengths are one byte.
    #[inline(always)]
    pub fn shortest(&self) -> usize {
        4 + self.key.len()
    }

    /// Bytes of a `KeyValue` whose `AnyValue` has `value` bytes; both lengths.
    #[inline(always)]
    pub fn field_len(&self, value: usize) -> usize {
        let message = self.message_len(value);
        if message < 0x80 {
            return 2 + message;
        }
        1 + varint_len(message as u64) + message
    }

    /// Bytes of the `KeyValue` message.
    #[inline(always)]
    pub fn message_len(&self, value: usize) -> usize {
        self.key.len() + 1 + if value < 0x80 { 1 } else { varint_len(value as u64) } + value
    }
}

/// Bytes of an `AnyValue` of so many bytes of content.
#[inline(always)]
pub(crate) fn any_len(scalar: Scalar, len: usize) -> usize {
    match scalar {
        Scalar::Message => len,
        Scalar::Tagged if len < 0x80 => 2 + len,
        Scalar::Tagged => 1 + varint_len(len as u64) + len,
    }
}

/// What the rows of a block take: each by itself, and all of them alike.
pub(crate) struct Totals {
    pub each: [u64; BLOCK],
    pub all: u64,
}

impl Totals {
    pub fn new() -> Self {
        Self {
            each: [0; BLOCK],
            all: 0,
        }
    }

    /// Bytes of a row.
    #[inline(always)]
    pub fn of(&self, j: usize) -> u64 {
        self.each[j] + self.all
    }
}

impl Op<'_> {
    /// Adds to `totals` what the field of the block's rows will take. The `FIRST` time values are checked, and else read into `cells`.
    #[expect(clippy::too_many_lines, reason = "a table of cases")]
    pub fn measure<const FIRST: bool>(
        &self,
        rows: &[u32],
        cells: &mut Cells,
        totals: &mut Totals,
    ) -> Result<(), EncodeError> {
        let rows = &rows[..rows.len().min(BLOCK)];
        let Cells {
            at,
            value,
            len,
            scratch,
        } = cells;
        let each = &mut totals.each;
        let mut keep = |j: usize, from: *const u8, bytes: u32| {
            if !FIRST {
                (at[j], len[j]) = (from, bytes);
            }
        };
        match self {
            Self::Constant(bytes) => totals.all += bytes.len() as u64,
            Self::Ids { .. } => totals.all += 28,
            Self::Id8 { ids, .. } => {
                for (j, &row) in rows.iter().enumerate() {
                    value[j] = u64::from_ne_bytes(id(ids, row as usize));
                    each[j] += if value[j] == 0 { 0 } else { 10 };
                }
            }
            Self::Fixed64 { values, .. } => {
                let mut zeros = 0;
                for (j, &row) in rows.iter().enumerate() {
                    value[j] = values.get(row as usize);
                    zeros += u32::from(value[j] == 0);
                }
                if zeros == 0 {
                    totals.all += 9;
                } else {
                    for (total, &value) in each.iter_mut().zip(&value[..rows.len()]) {
                        *total += if value == 0 { 0 } else { 9 };
                    }
                }
            }
            Self::Fixed32 { tag, name, values } => {
                let field = if *tag < 0x80 { 5 } else { 6 };
                narrow(values, name, rows, |j, number| {
                    value[j] = number.into();
                    each[j] += if number == 0 { 0 } else { field };
                })?;
            }
            Self::Varint { name, values, .. } => narrow(values, name, rows, |j, number| {
                value[j] = number.into();
                each[j] += varint_field_len(number);
            })?,
            Self::Text { source, .. } => source.each::<FIRST>(rows, scratch, |j, from, bytes| {
                let bytes = if bytes == ABSENT { 0 } else { bytes };
                keep(j, from, bytes);
                each[j] += text_len(bytes) as u64;
            })?,
            Self::Made(source) => source.each::<FIRST>(rows, scratch, |j, from, bytes| {
                let bytes = if bytes == ABSENT { 0 } else { bytes };
                keep(j, from, bytes);
                each[j] += u64::from(bytes);
            })?,
            Self::Status { code, message, .. } => {
                let mut contents = [0; BLOCK];
                len[..rows.len()].fill(0);
                value[..rows.len()].fill(0);
                if let Some(source) = message {
                    source.each::<FIRST>(rows, scratch, |j, from, bytes| {
                        (at[j], len[j]) = (from, if bytes == ABSENT { 0 } else { bytes });
                        contents[j] = text_len(len[j]) as u64;
                    })?;
                }
                if let Some((name, code)) = code {
                    narrow(code, name, rows, |j, number| {
                        value[j] = number.into();
                        contents[j] += varint_field_len(number);
                    })?;
                }
                for (total, content) in each.iter_mut().zip(&contents[..rows.len()]) {
                    *total += 1 + varint_len(*content) as u64 + content;
                }
            }
            Self::Attribute {
                head,
                value: Value::Bytes { scalar, source },
            } => {
                let short = head.shortest() + any_len(*scalar, 0);
                source.each::<FIRST>(rows, scratch, |j, from, bytes| {
                    keep(j, from, bytes);
                    let whole = short + bytes as usize;
                    each[j] += match bytes {
                        ABSENT => 0,
                        _ if whole < 0x80 => whole as u64,
                        _ => head.field_len(any_len(*scalar, bytes as usize)) as u64,
                    };
                })?;
            }
            Self::Attribute {
                head,
                value: Value::Int { name, mask, values },
            } => {
                let shortest = head.shortest() as u64 + 1;
                let is_short = head.shortest() + 1 + MAX_VARINT_LEN < 0x80;
                with_ints!(values, values => wide(values, name, mask.as_ref(), rows, |j, number| {
                    let Some(number) = number else {
                        len[j] = ABSENT;
                        return;
                    };
                    let bytes = varint_len_u32(number);
                    (value[j], len[j]) = (number, bytes);
                    each[j] += if is_short {
                        shortest + u64::from(bytes)
                    } else {
                        head.field_len(1 + bytes as usize) as u64
                    };
                }))?;
            }
            Self::Attribute {
                head,
                value: Value::Double { mask, values },
            } => {
                let field = head.field_len(9) as u64;
                if !FIRST {
                    for (value, &row) in value.iter_mut().zip(rows) {
                        *value = values.get(row as usize).to_bits();
                    }
                }
                if mask.is_none() {
                    len[..rows.len()].fill(9);
                    totals.all += field;
                } else {
                    for (j, &row) in rows.iter().enumerate() {
                        len[j] = if is_masked(mask.as_ref(), row) { ABSENT } else { 9 };
                        each[j] += if len[j] == ABSENT { 0 } else { field };
                    }
                }
            }
            Self::Items(items) => items.make(rows, &mut scratch.bytes, |j, from, bytes| {
                keep(j, from, bytes);
                each[j] += u64::from(bytes);
            })?,
        }
        Ok(())
    }
}

/// Bytes of a number's field, left out where 0.
#[inline(always)]
fn varint_field_len(number: u32) -> u64 {
    match number {
        0 => 0,
        1..0x80 => 2,
        _ => 1 + varint_len(number.into()) as u64,
    }
}

/// Bytes of a string field, left out where empty.
#[inline(always)]
fn text_len(len: u32) -> usize {
    let len = len as usize;
    match len {
        0 => 0,
        1..0x80 => 2 + len,
        _ => 1 + varint_len(len as u64) + len,
    }
}

/// Bytes of a `Status` message.
#[inline(always)]
pub(crate) fn status_len(code: u64, message: u32) -> usize {
    text_len(message) + if code == 0 { 0 } else { 1 + varint_len(code) }
}

#[inline(always)]
pub(crate) fn is_masked(mask: Option<&Shared<'_, u8>>, row: u32) -> bool {
    mask.is_some_and(|mask| mask.get(row as usize) != 0)
}

/// The bytes of a row.
#[inline(always)]
pub(crate) fn id<const N: usize>(ids: &Shared<'_, u8>, row: usize) -> [u8; N] {
    let mut id = [0; N];
    id.copy_from_slice(ids.slice(row * N, (row + 1) * N));
    id
}

/// Tells `take` of numbers of 32 bits without a sign.
#[inline(always)]
fn narrow(values: &Ints<'_>, name: &str, rows: &[u32], mut take: impl FnMut(usize, u32)) -> Result<(), EncodeError> {
    with_ints!(values, values => {
        for (j, &row) in rows.iter().enumerate() {
            let number = values.get(row as usize);
            let Some(narrow) = to_u32(number) else {
                return Err(EncodeError::no_u32(name, row as usize, number));
            };
            take(j, narrow);
        }
    });
    Ok(())
}

/// Tells `take` of numbers of 64 bits with a sign, in two's complement; `None` where absent.
#[inline(always)]
fn wide<T: Plain + TryInto<i64> + std::fmt::Display>(
    values: &Shared<'_, T>,
    name: &str,
    mask: Option<&Shared<'_, u8>>,
    rows: &[u32],
    mut take: impl FnMut(usize, Option<u64>),
) -> Result<(), EncodeError> {
    for (j, &row) in rows.iter().enumerate() {
        if is_masked(mask, row) {
            take(j, None);
            continue;
        }
        let number = values.get(row as usize);
        let Ok(wide) = number.try_into() else {
            return Err(EncodeError::no_i64(name, row as usize, number));
        };
        take(j, Some(wide.cast_unsigned()));
    }
    Ok(())
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "10 at most")]
fn varint_len_u32(value: u64) -> u32 {
    varint_len(value) as u32
}

/// The same for types of which each value fits.
#[inline(always)]
fn to_u32<T: TryInto<u32>>(number: T) -> Option<u32> {
    number.try_into().ok()
}
