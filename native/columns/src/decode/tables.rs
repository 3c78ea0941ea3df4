//! What decoded columns are made of: tables of attributes, events and links.

use super::column::Values;
use super::views::{View, Views};

/// `Span.flags` and `Link.flags` where there is no column of them: not remote, and known to be so.
pub const DEFAULT_FLAGS: u32 = 0x100;

/// Events of spans.
#[derive(Debug)]
pub struct Events {
    /// Span i has the events from `offsets[i]` to `offsets[i + 1]`.
    pub offsets: Vec<i64>,
    /// Times in nanoseconds since the epoch.
    pub time: Vec<u64>,
    /// Names.
    pub name: Views,
    /// Attributes.
    pub attributes: AttributeTable,
    /// Attributes that senders dropped.
    pub dropped_attributes_count: Option<Vec<u32>>,
}

/// Links of spans.
#[derive(Debug)]
pub struct Links {
    /// Span i has the links from `offsets[i]` to `offsets[i + 1]`.
    pub offsets: Vec<i64>,
    /// Trace ids.
    pub trace_id: Vec<[u8; 16]>,
    /// Span ids.
    pub span_id: Vec<[u8; 8]>,
    /// W3C trace states.
    pub trace_state: Option<Views>,
    /// Attributes.
    pub attributes: AttributeTable,
    /// Attributes that senders dropped.
    pub dropped_attributes_count: Option<Vec<u32>>,
    /// Flags.
    pub flags: Option<Vec<u32>>,
}

/// The attributes of spans, events or links. Those of a row are, in their order, the ones in columns and then the ragged ones.
#[derive(Debug, Default)]
pub struct AttributeTable {
    /// A column for each of some keys.
    pub columns: Vec<AttributeColumn>,
    /// What fits in no column.
    pub ragged: Option<RaggedAttributes>,
}

/// The values of one key.
#[derive(Debug)]
pub struct AttributeColumn {
    /// The key.
    pub key: View,
    /// The values.
    pub values: Values,
    /// 1 where there is none; none if there is one everywhere.
    pub absent: Option<Vec<u8>>,
}

/// Attributes row by row.
#[derive(Debug)]
pub struct RaggedAttributes {
    /// Row i has the attributes from `offsets[i]` to `offsets[i + 1]`.
    pub offsets: Vec<i64>,
    /// Keys.
    pub keys: Views,
    /// Encoded `AnyValue` messages.
    pub values: Views,
}
