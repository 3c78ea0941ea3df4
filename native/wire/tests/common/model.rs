//! OTLP's trace messages as owned values that can be compared.

#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    #[default]
    Empty,
    Str(String),
    Bool(bool),
    Int(i64),
    /// As bits, so that NaN equals itself.
    Double(u64),
    Array(Vec<Value>),
    Map(Vec<KeyValue>),
    Bytes(Vec<u8>),
    StringIndex(i32),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyValue {
    pub key: String,
    pub value: Option<Value>,
    pub key_string_index: i32,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    pub time: u64,
    pub name: String,
    pub attributes: Vec<KeyValue>,
    pub dropped_attributes_count: u32,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Link {
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
    pub trace_state: String,
    pub attributes: Vec<KeyValue>,
    pub dropped_attributes_count: u32,
    pub flags: u32,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    pub message: String,
    pub code: i32,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Span {
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
    pub trace_state: String,
    pub parent_span_id: [u8; 8],
    pub name: String,
    pub kind: i32,
    pub start: u64,
    pub end: u64,
    pub attributes: Vec<KeyValue>,
    pub dropped_attributes_count: u32,
    pub events: Vec<Event>,
    pub dropped_events_count: u32,
    pub links: Vec<Link>,
    pub dropped_links_count: u32,
    pub status: Option<Status>,
    pub flags: u32,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct EntityRef {
    pub schema_url: String,
    pub entity_type: String,
    pub id_keys: Vec<String>,
    pub description_keys: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource {
    pub attributes: Vec<KeyValue>,
    pub dropped_attributes_count: u32,
    pub entity_refs: Vec<EntityRef>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    pub name: String,
    pub version: String,
    pub attributes: Vec<KeyValue>,
    pub dropped_attributes_count: u32,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScopeSpans {
    pub scope: Option<Scope>,
    pub spans: Vec<Span>,
    pub schema_url: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResourceSpans {
    pub resource: Option<Resource>,
    pub scopes: Vec<ScopeSpans>,
    pub schema_url: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    pub resources: Vec<ResourceSpans>,
}
