//! Workload W5 in the shapes that kernels take: calls on a record, columns, a request.

use spanwire_columns::encode::source::{Attributes, Column, Floats, Ints, Spans, Texts, Values};
use spanwire_columns::encode::{Heads, Oversized, Plan};
use spanwire_columns::{EncodeError, Shared};
use spanwire_record::{Limits, SpanContext, SpanRecord};
use spanwire_wire::arena::Region;
use spanwire_wire::tag::{self, len_tag};
use spanwire_wire::write;
use std::hint::black_box;

/// Spans of a batch.
pub const ROWS: usize = 512;
/// When the spans begin, ns.
pub const START: u64 = 1_764_000_000_000_000_000;
/// When they end.
pub const END: u64 = START + 480_001;
/// Their name.
pub const NAME: &[u8] = b"GET /users/{id}";

/// Ids as random as real ones, the same every time.
pub fn ids(number: usize) -> SpanContext {
    let mut state = number as u64;
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (mixed ^ (mixed >> 27)).to_le_bytes()
    };
    let mut trace_id = [0; 16];
    trace_id[..8].copy_from_slice(&next());
    trace_id[8..].copy_from_slice(&next());
    SpanContext {
        trace_id,
        span_id: next(),
        flags: SpanContext::SAMPLED,
        ..SpanContext::default()
    }
}

/// Begins a span.
#[inline(always)]
pub fn begin(record: &mut SpanRecord, ids: &SpanContext) {
    record.begin(Limits::default(), None, ids, black_box(NAME), 2, black_box(START));
}

/// Sets the five attributes, under hashes like Python's.
#[inline(always)]
pub fn set(record: &mut SpanRecord) {
    let _ = record.set_str(
        black_box(b"http.request.method"),
        black_box(0x5DA6_1C8F_2E04_B971),
        black_box(b"GET"),
    );
    let _ = record.set_str(
        black_box(b"url.path"),
        black_box(0x13C7_A95B_60F8_2D4E),
        black_box(b"/users/42"),
    );
    let _ = record.set_int(
        black_box(b"http.response.status_code"),
        black_box(0x7F10_64B2_D8A9_C35E),
        black_box(200),
    );
    let _ = record.set_double(
        black_box(b"server.load"),
        black_box(0x2B8D_E073_94C6_1FA5),
        black_box(0.42),
    );
    let _ = record.set_bool(
        black_box(b"cache.hit"),
        black_box(0x46F3_0B9A_E15D_782C),
        black_box(true),
    );
}

/// A finished span's frame: the content of a `Span` message.
pub fn frame() -> Vec<u8> {
    let mut record = SpanRecord::new();
    begin(&mut record, &ids(1));
    set(&mut record);
    record.end(END);
    let mut out = Region::new();
    record.write_frame(&mut out);
    out.into_vec()
}

/// The `Resource` message, with its tag and length in `ResourceSpans`.
pub fn resource() -> Vec<u8> {
    let mut out = Region::new();
    let message = out.open_short(len_tag(tag::resource_spans::RESOURCE));
    let attribute = len_tag(tag::resource::ATTRIBUTES);
    write::attribute_str(&mut out, attribute, b"service.name", b"bench-shop");
    write::attribute_str(&mut out, attribute, b"telemetry.sdk.language", b"python");
    write::attribute_str(&mut out, attribute, b"telemetry.sdk.name", b"opentelemetry");
    out.close(message);
    out.into_vec()
}

/// The `InstrumentationScope` message, with its tag and length in `ScopeSpans`.
pub fn scope(name: &[u8]) -> Vec<u8> {
    let mut out = Region::new();
    let message = out.open_short(len_tag(tag::scope_spans::SCOPE));
    write::bytes_field(&mut out, len_tag(tag::scope::NAME), name);
    write::bytes_field(&mut out, len_tag(tag::scope::VERSION), b"1.0");
    out.close(message);
    out.into_vec()
}

/// The heads of a request.
pub fn heads() -> Heads {
    Heads {
        resource: resource().into(),
        scope: scope(b"bench").into(),
        ..Heads::default()
    }
}

/// Memory of the columns.
pub struct Columns {
    trace_ids: Vec<u8>,
    span_ids: Vec<u8>,
    starts: Vec<u64>,
    ends: Vec<u64>,
    kinds: Vec<i64>,
    names: (Vec<i32>, Vec<u8>),
    methods: (Vec<i32>, Vec<u8>),
    paths: (Vec<i32>, Vec<u8>),
    codes: Vec<i64>,
    loads: Vec<f64>,
    hits: Vec<u8>,
}

/// The same text [`ROWS`] times, as Arrow lays it out.
fn texts(text: &[u8]) -> (Vec<i32>, Vec<u8>) {
    let offsets = (0..=ROWS).map(|row| i32::try_from(row * text.len()).unwrap_or(0));
    (offsets.collect(), text.repeat(ROWS))
}

fn column<'a>(name: &str, values: Values<'a>) -> Column<'a> {
    Column {
        name: name.to_owned(),
        values,
        mask: None,
    }
}

fn laid((offsets, data): &(Vec<i32>, Vec<u8>)) -> Values<'_> {
    Values::Str(Texts::Offsets {
        offsets: Ints::I32(Shared::from(&offsets[..])),
        data: Shared::from(&data[..]),
    })
}

impl Columns {
    /// [`ROWS`] spans.
    pub fn new() -> Self {
        Self {
            trace_ids: (0..ROWS).flat_map(|row| ids(row).trace_id).collect(),
            span_ids: (0..ROWS).flat_map(|row| ids(row).span_id).collect(),
            starts: vec![START; ROWS],
            ends: vec![END; ROWS],
            kinds: vec![2; ROWS],
            names: texts(NAME),
            methods: texts(b"GET"),
            paths: texts(b"/users/42"),
            codes: vec![200; ROWS],
            loads: vec![0.42; ROWS],
            hits: vec![1; ROWS],
        }
    }

    /// They, as an encoder takes them.
    pub fn spans(&self) -> Spans<'_> {
        let attributes = [
            ("http.request.method", laid(&self.methods)),
            ("url.path", laid(&self.paths)),
            (
                "http.response.status_code",
                Values::Int(Ints::I64(Shared::from(&self.codes[..]))),
            ),
            (
                "server.load",
                Values::Double(Floats::F64(Shared::from(&self.loads[..]))),
            ),
            ("cache.hit", Values::Bool(Shared::from(&self.hits[..]))),
        ];
        Spans {
            rows: ROWS,
            trace_id: Shared::from(&self.trace_ids[..]),
            span_id: Shared::from(&self.span_ids[..]),
            parent_span_id: None,
            trace_state: None,
            name: column("name", laid(&self.names)),
            kind: Some(("kind".to_owned(), Ints::I64(Shared::from(&self.kinds[..])))),
            start: Shared::from(&self.starts[..]),
            end: Shared::from(&self.ends[..]),
            attributes: Attributes {
                columns: attributes
                    .into_iter()
                    .map(|(key, values)| (key.to_owned(), column(key, values)))
                    .collect(),
                ..Attributes::default()
            },
            events: None,
            dropped_events: None,
            links: None,
            dropped_links: None,
            status_code: None,
            status_message: None,
            flags: None,
        }
    }

    /// They, as a request in `memory`.
    pub fn request(&self, heads: &Heads, memory: Vec<u8>) -> Result<Vec<u8>, EncodeError> {
        let plan = Plan::new(&self.spans(), vec![heads.clone()], None, None, Oversized::Refuse, 1)?;
        let mut memory = Some(memory);
        let mut requests = plan.write(0..plan.requests(), 1, || memory.take().unwrap_or_default())?;
        Ok(requests.pop().unwrap_or_default())
    }
}

/// A request of [`ROWS`] spans.
pub fn request() -> Vec<u8> {
    Columns::new()
        .request(&heads(), Vec::new())
        .expect("the columns are whole")
}
