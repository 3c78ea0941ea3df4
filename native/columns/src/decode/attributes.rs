//! The attributes of spans, events or links: a column for each key, and what fits in none.
//!
//! A row's attributes go into columns as long as they stand in the order of the columns, each key once, each value of its
//! column's type. The first one that does not, and all behind it, go to the ragged ones. So a row's attributes in the wire's
//! order are those in columns, then the ragged ones: nothing is lost, and encoding gives the bytes that were decoded.
//!
//! A new key's column stands behind that of the attribute before it. What absent values take is bounded: see [`Limits`].

use std::cmp::Reverse;
use std::collections::HashMap;

use spanwire_kernels::utf8;
use spanwire_wire::read::Message;
use spanwire_wire::validate::{Part, validate_part};

use super::column::{Column, Value, Values};
use super::cursor::Cursor;
use super::error::Halt;
use super::lazy::Offsets;
use super::limits::Limits;
use super::tables::{AttributeColumn, AttributeTable, RaggedAttributes};
use super::views::{View, Views};

/// A column is rare that so many rows share one value of.
const RARE: usize = 16;

/// No column.
const NONE: u32 = u32::MAX;

/// The attributes of one table under construction.
#[derive(Debug)]
pub(super) struct Attributes<'a> {
    columns: Vec<Column>,
    /// The columns in their order.
    order: Vec<u32>,
    by_key: HashMap<&'a [u8], u32>,
    /// The column of the first attribute of a row before.
    first: u32,
    /// Bytes taken for absent values.
    padding: usize,
    limits: Limits<'a>,
    ragged_offsets: Offsets,
    ragged_keys: Views,
    ragged_values: Views,
}

/// A row whose attributes are being added.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    row: usize,
    /// The column of the attribute before.
    last: u32,
    /// The rank that the next one has at least.
    least: u32,
    /// The column that the next one probably has.
    next: u32,
    ragged: bool,
}

impl<'a> Attributes<'a> {
    pub fn new(limits: Limits<'a>) -> Self {
        Self {
            columns: Vec::new(),
            order: Vec::new(),
            by_key: HashMap::new(),
            first: NONE,
            padding: 0,
            limits,
            ragged_offsets: Offsets::default(),
            ragged_keys: Views::default(),
            ragged_values: Views::default(),
        }
    }

    /// Begins `row`; rows come in order.
    #[inline(always)]
    pub fn open(&self, row: usize) -> Open {
        Open {
            row,
            last: NONE,
            least: 0,
            next: self.first,
            ragged: false,
        }
    }

    /// Adds the `KeyValue` in `message` by the quick way.
    #[inline(always)]
    pub fn add_quickly(&mut self, open: &mut Open, message: Cursor<'a>) -> Result<(), Halt> {
        if !self.add_predicted(open, message)? {
            self.add_unpredicted(open, message)?;
        }
        Ok(())
    }

    /// The same key as in the row before, and a value of the same type: compared, not looked up. Keys are not checked again.
    #[inline(always)]
    fn add_predicted(&mut self, open: &mut Open, mut message: Cursor<'a>) -> Result<bool, Halt> {
        let Some(column) = self.columns.get_mut(open.next as usize) else {
            return Ok(false);
        };
        if column.rank < open.least || column.head.is_empty() || open.ragged || !message.skip(&column.head) {
            return Ok(false);
        }
        if column.values.len() != open.row {
            let gap = column.gap(open.row);
            self.padding += gap;
            if self.limits.exceeded(self.padding) {
                return Err(Halt::Sparse(self.limits.table));
            }
            column.pad(open.row);
        }
        let value = match short_scalar(message) {
            Some(value) => value,
            None => match message.delimited().filter(|_| message.is_empty()).and_then(scalar) {
                Some(value) => value,
                None => return Ok(false),
            },
        };
        if !column.push(value)? {
            return Ok(false);
        }
        open.last = open.next;
        open.least = column.rank + 1;
        open.next = column.next;
        Ok(true)
    }

    fn add_unpredicted(&mut self, open: &mut Open, mut message: Cursor<'a>) -> Result<(), Halt> {
        let key = if message.tag(0x0A) { message.text() } else { None };
        let any = if message.tag(0x12) { message.delimited() } else { None };
        let (Some(key), Some(any), true) = (key, any, message.is_empty()) else {
            return Err(Halt::Odd);
        };
        let value = match scalar(any) {
            Some(value) => value,
            None => nested(any).ok_or(Halt::Odd)?,
        };
        self.add(open, key.rest(), key.view(), any.view(), value)
    }

    /// Adds an attribute. `any` is the encoded `AnyValue`, `value` what it says.
    pub fn add(&mut self, open: &mut Open, key: &'a [u8], key_at: View, any: View, value: Value) -> Result<(), Halt> {
        if !open.ragged {
            if let Some(id) = self.column_for(open, key, key_at, &value) {
                self.write(open, id, any, value)?;
                return Ok(());
            }
            open.ragged = true;
        }
        self.ragged_offsets.add(open.row, self.ragged_keys.len());
        self.ragged_keys.push(key_at)?;
        self.ragged_values.push(any)?;
        Ok(())
    }

    /// The column in which the value fits: an existing one, or a new one.
    fn column_for(&mut self, open: &Open, key: &'a [u8], key_at: View, value: &Value) -> Option<u32> {
        if let Some(&id) = self.by_key.get(key) {
            let column = &self.columns[id as usize];
            return (column.rank >= open.least && column.takes(value)).then_some(id);
        }
        if !self.limits.admits(self.columns.len(), key) {
            return None;
        }
        let id = u32::try_from(self.columns.len()).ok()?;
        self.columns.push(Column::new(key_at, key, value));
        self.by_key.insert(key, id);
        self.order.insert(open.least as usize, id);
        for (rank, &id) in (0..).zip(&self.order) {
            self.columns[id as usize].rank = rank;
        }
        Some(id)
    }

    fn write(&mut self, open: &mut Open, id: u32, any: View, value: Value) -> Result<(), Halt> {
        let column = &mut self.columns[id as usize];
        self.padding += column.gap(open.row);
        if self.limits.exceeded(self.padding) {
            return Err(Halt::Sparse(self.limits.table));
        }
        column.pad(open.row);
        if matches!(column.values, Values::Any(_)) {
            column.push(Value::Any(any))?;
        } else {
            column.push(value)?;
        }
        open.least = column.rank + 1;
        open.next = column.next;
        self.learn(open, id);
        Ok(())
    }

    /// Remembers what came after what.
    #[inline(always)]
    fn learn(&mut self, open: &mut Open, id: u32) {
        match self.columns.get_mut(open.last as usize) {
            Some(last) => last.next = id,
            None => self.first = id,
        }
        open.last = id;
    }

    /// Makes room for so many rows in columns that are not rare.
    pub fn reserve(&mut self, rows: usize) {
        for column in &mut self.columns {
            if RARE * column.filled > column.values.len() {
                column.reserve(rows);
            }
        }
    }

    /// How many ragged attributes there are.
    #[inline(always)]
    pub fn ragged_len(&self) -> usize {
        self.ragged_keys.len()
    }

    /// Forgets `row` and all behind it, and all ragged attributes but the first `ragged`.
    #[cold]
    pub fn undo(&mut self, row: usize, ragged: usize) {
        for column in &mut self.columns {
            column.truncate(row);
        }
        self.ragged_offsets.truncate(row);
        self.ragged_keys.resize(ragged);
        self.ragged_values.resize(ragged);
    }

    /// The keys with columns, the emptiest column first, and bytes that each would take for absent values.
    pub fn emptiest(&self, rows: usize) -> Vec<(&'a [u8], usize)> {
        let mut keys: Vec<_> = self.by_key.iter().map(|(&key, &id)| (key, id)).collect();
        keys.sort_unstable_by_key(|&(_, id)| (self.columns[id as usize].filled, Reverse(id)));
        let cost = |(key, id): (_, u32)| (key, self.columns[id as usize].absent_cost(rows));
        keys.into_iter().map(cost).collect()
    }

    /// Whether all columns can be finished: asked before [`finish`](Self::finish).
    pub fn check(&self, rows: usize) -> Result<(), Halt> {
        let filled = self.columns.iter().filter(|column| column.filled > 0);
        let gaps: usize = filled.map(|column| column.gap(rows)).sum();
        if self.limits.exceeded(self.padding + gaps) {
            return Err(Halt::Sparse(self.limits.table));
        }
        Ok(())
    }

    /// The finished table.
    pub fn finish(mut self, rows: usize) -> AttributeTable {
        self.columns.sort_unstable_by_key(|column| column.rank);
        self.columns.retain(|column| column.filled > 0);
        for column in &mut self.columns {
            column.pad(rows);
        }
        let columns = self.columns.into_iter().map(|column| AttributeColumn {
            key: column.key,
            values: column.values,
            absent: Some(column.absent).filter(|absent| !absent.is_empty()),
        });
        let ragged = (!self.ragged_keys.is_empty()).then(|| RaggedAttributes {
            offsets: self.ragged_offsets.finish(rows, self.ragged_keys.len()),
            keys: self.ragged_keys,
            values: self.ragged_values,
        });
        AttributeTable {
            columns: columns.collect(),
            ragged,
        }
    }
}

/// The scalar in what is behind the tag of a value, in the shape of almost all: lengths of one byte, nothing behind it.
#[inline(always)]
fn short_scalar(message: Cursor<'_>) -> Option<Value> {
    let (&[len @ ..0x80, tag, first], content) = message.rest().split_first_chunk()? else {
        return None;
    };
    if usize::from(len) != content.len() + 2 {
        return None;
    }
    let view = View {
        start: message.end() - content.len(),
        len: content.len(),
    };
    let is_whole = usize::from(first) == content.len();
    match tag {
        0x0A if is_whole && utf8::validate(content) => Some(Value::Text(view)),
        0x10 if first < 2 && content.is_empty() => Some(Value::Bool(first == 1)),
        0x18 if first < 0x80 && content.is_empty() => Some(Value::Int(first.into())),
        0x21 => {
            let bytes = message.rest().get(2..)?.try_into().ok()?;
            Some(Value::Double(f64::from_le_bytes(bytes)))
        }
        0x3A if is_whole => Some(Value::Bytes(view)),
        _ => None,
    }
}

/// The value in an `AnyValue` that holds one scalar and nothing else.
#[inline(always)]
fn scalar(mut any: Cursor<'_>) -> Option<Value> {
    let (&tag, _) = any.rest().split_first()?;
    any.tag(tag);
    let value = match tag {
        0x0A => Value::Text(any.text()?.view()),
        0x10 => Value::Bool(any.varint()? != 0),
        0x18 => Value::Int(any.varint()?.cast_signed()),
        0x21 => Value::Double(f64::from_bits(any.fixed64()?)),
        0x3A => Value::Bytes(any.delimited()?.view()),
        _ => return None,
    };
    any.is_empty().then_some(value)
}

/// The value in an `AnyValue` that holds nothing, one array or one map.
fn nested(any: Cursor<'_>) -> Option<Value> {
    let mut inside = any;
    if inside.is_empty() {
        return Some(Value::Any(any.view()));
    }
    if !inside.tag(0x2A) && !inside.tag(0x32) {
        return None;
    }
    inside.delimited().filter(|_| inside.is_empty())?;
    validate_part(Part::AnyValue, Message::at(any.rest(), any.offset())).ok()?;
    Some(Value::Any(any.view()))
}
