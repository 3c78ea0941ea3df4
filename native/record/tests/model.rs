//! Random programs on a record and on a plain model of it: lists of what should be there. Hashes come from a tiny range, so that
//! unequal keys collide; what was recorded is read back from the frame by wire's readers and passes its strict check.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write as _;
use std::ops::Range;

use proptest::prelude::*;
use spanwire_record::{Limits, SpanContext, SpanRecord, Status};
use spanwire_wire::arena::Region;
use spanwire_wire::tag::{self, len_tag};
use spanwire_wire::{KeyValues, Signal, SpanId, SpanView, Value, validate, write};

#[derive(Clone, Debug, PartialEq)]
enum Any {
    Null,
    Str(usize),
    Int(i64),
    Double(f64),
    Bool(bool),
    Bytes(usize),
    /// An array of so many integers, encoded elsewhere.
    Array(usize),
}

#[derive(Clone, Debug)]
enum Op {
    Set(u16, Any),
    /// Consecutive keys, so that there are enough of them for the index.
    SetMany(u16, u16, Any),
    Remove(u16),
    RemoveMany(u16, u16),
    Drop(u32),
    Event(u8, u64, u32),
    Link(u8, u8, u32),
    Name(usize),
    Status(u8, usize),
    TraceState(usize),
    Check,
    End(u64),
    /// Gives the record to another span, as a pool does.
    Begin(Setup),
}

#[derive(Clone, Copy, Debug)]
struct Setup {
    limits: Limits,
    /// Hashes are below it.
    hashes: u64,
    parent: Option<SpanContext>,
    flags: u8,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    name: String,
    trace_state: String,
    status: (u8, String),
    attributes: Vec<(String, Any)>,
    dropped_attributes: u32,
    /// Name, time, dropped.
    events: Vec<(String, u64, u32)>,
    dropped_events: u32,
    /// Context, trace state, dropped.
    links: Vec<(SpanContext, String, u32)>,
    dropped_links: u32,
    end: u64,
}

fn text(len: usize) -> String {
    "spänwire ".chars().cycle().take(len).collect()
}

fn key(number: u16) -> String {
    let mut key = String::new();
    write!(key, "key.{number}").unwrap();
    if number.is_multiple_of(7) {
        key.push_str(&text(130));
    }
    key
}

fn target(number: u8) -> SpanContext {
    SpanContext {
        trace_id: [number; 16],
        span_id: [number ^ 0xFF; 8],
        flags: number & 3,
        is_remote: number >> 2 & 1,
        ..SpanContext::default()
    }
}

/// Makes room for one more, as the SDK does.
fn evict<T>(items: &mut Vec<T>, limit: u32, dropped: &mut u32) -> Status {
    if items.len() < limit as usize {
        return Status::OK;
    }
    items.remove(0);
    *dropped += 1;
    Status::EVICTED
}

/// One record and its model.
struct Pair {
    setup: Setup,
    record: SpanRecord,
    model: Model,
    ended: bool,
}

impl Pair {
    fn new(setup: Setup) -> Self {
        let mut pair = Self {
            setup,
            record: SpanRecord::new(),
            model: Model::default(),
            ended: false,
        };
        pair.begin(setup);
        pair
    }

    fn begin(&mut self, setup: Setup) {
        let ids = SpanContext {
            flags: setup.flags,
            ..target(9)
        };
        self.record
            .begin(setup.limits, setup.parent.as_ref(), &ids, b"first", 2, 77);
        self.setup = setup;
        self.ended = false;
        self.model = Model {
            name: "first".into(),
            ..Model::default()
        };
    }

    fn hash(&self, key: u16) -> u64 {
        // The high half counts too.
        let hash = u64::from(key) % self.setup.hashes;
        hash << 32 | hash >> 1
    }

    fn set(&mut self, number: u16, value: &Any) {
        let (name, hash) = (key(number), self.hash(number));
        let (record, key) = (&mut self.record, name.as_bytes());
        let status = match *value {
            Any::Null => record.set_encoded(key, hash, b""),
            Any::Str(len) => record.set_str(key, hash, text(len).as_bytes()),
            Any::Int(value) => record.set_int(key, hash, value),
            Any::Double(value) => record.set_double(key, hash, value),
            Any::Bool(value) => record.set_bool(key, hash, value),
            Any::Bytes(len) => record.set_bytes(key, hash, text(len).as_bytes()),
            Any::Array(len) => {
                let mut encoded = Region::new();
                let array = write::open_array(&mut encoded);
                for element in 0..len {
                    let open = write::open_element(&mut encoded);
                    write::value_int(&mut encoded, i64::try_from(element).unwrap());
                    encoded.close(open);
                }
                encoded.close(array);
                record.set_encoded(key, hash, encoded.as_slice())
            }
        };
        let (model, limit) = (&mut self.model, self.setup.limits.attributes);
        let mut expected = Status::OK;
        if !self.ended && limit == 0 {
            model.dropped_attributes += 1;
        } else if !self.ended {
            model.attributes.retain(|(there, _)| *there != name);
            expected = evict(&mut model.attributes, limit, &mut model.dropped_attributes);
            model.attributes.push((name, value.clone()));
        }
        assert_eq!(status, expected);
    }

    fn remove(&mut self, number: u16) {
        let name = key(number);
        self.record.remove(name.as_bytes(), self.hash(number));
        if !self.ended {
            self.model.attributes.retain(|(there, _)| *there != name);
        }
    }

    fn event(&mut self, number: u8, time: u64, dropped: u32) -> (Status, Status) {
        let name = text(number.into());
        let mut attributes = Region::new();
        write::attribute_int(&mut attributes, len_tag(tag::event::ATTRIBUTES), b"at", number.into());
        let status = self
            .record
            .add_event(name.as_bytes(), time, attributes.as_slice(), dropped);
        let (model, limit) = (&mut self.model, self.setup.limits.events);
        let mut expected = Status::OK;
        if !self.ended && limit == 0 {
            model.dropped_events += 1;
        } else if !self.ended {
            expected = evict(&mut model.events, limit, &mut model.dropped_events);
            model.events.push((name, time, dropped));
        }
        (status, expected)
    }

    fn link(&mut self, number: u8, trace_state: u8, dropped: u32) -> (Status, Status) {
        let (context, state) = (target(number), text(trace_state.into()));
        let mut attributes = Region::new();
        write::attribute_bool(&mut attributes, len_tag(tag::link::ATTRIBUTES), b"linked", true);
        let status = self
            .record
            .add_link(&context, state.as_bytes(), attributes.as_slice(), dropped);
        let (model, limit) = (&mut self.model, self.setup.limits.links);
        let mut expected = Status::OK;
        if !self.ended && limit == 0 {
            model.dropped_links += 1;
        } else if !self.ended {
            expected = evict(&mut model.links, limit, &mut model.dropped_links);
            model.links.push((context, state, dropped));
        }
        (status, expected)
    }

    fn run(&mut self, op: &Op) {
        let mut statuses = (Status::OK, Status::OK);
        match op {
            Op::Set(key, value) => self.set(*key, value),
            Op::SetMany(from, count, value) => (*from..from + count).for_each(|key| self.set(key, value)),
            Op::Remove(key) => self.remove(*key),
            Op::RemoveMany(from, count) => (*from..from + count).for_each(|key| self.remove(key)),
            Op::Drop(count) => {
                self.record.drop_attributes(*count);
                self.model.dropped_attributes += if self.ended { 0 } else { *count };
            }
            Op::Event(number, time, dropped) => statuses = self.event(*number, *time, *dropped),
            Op::Link(number, state, dropped) => statuses = self.link(*number, *state, *dropped),
            Op::Name(len) => {
                statuses.0 = self.record.set_name(text(*len).as_bytes());
                if !self.ended {
                    self.model.name = text(*len);
                }
            }
            Op::Status(code, len) => {
                statuses.0 = self.record.set_status(*code, text(*len).as_bytes());
                if !self.ended {
                    self.model.status = (*code, text(*len));
                }
            }
            Op::TraceState(len) => {
                statuses.0 = self.record.set_trace_state(text(*len).as_bytes());
                if !self.ended {
                    self.model.trace_state = text(*len);
                }
            }
            Op::Check => self.check(),
            Op::End(time) => {
                assert_eq!(self.record.end(*time), !self.ended);
                if !self.ended {
                    self.model.end = *time;
                }
                self.ended = true;
            }
            Op::Begin(setup) => self.begin(*setup),
        }
        assert_eq!(statuses.0, statuses.1);
    }

    fn check(&self) {
        let mut frame = Region::new();
        self.record.write_frame(&mut frame);
        assert!(frame.len() <= self.record.frame_len_max());
        check_strictly(frame.as_slice());
        let span = SpanView::new(frame.as_slice()).unwrap();
        assert_eq!(read(&span), self.model);
        assert_eq!(frame.as_slice()[2..18], [9; 16]);
        assert_eq!(frame.as_slice()[20..28], [9 ^ 0xFF; 8]);
        let remote = self.setup.parent.is_some_and(|parent| parent.is_remote != 0);
        assert_eq!(
            span.flags(),
            0x100 | u32::from(remote) << 9 | u32::from(self.setup.flags)
        );
        assert_eq!(
            span.parent_span_id().map(SpanId::to_bytes),
            self.setup.parent.map(|parent| parent.span_id)
        );
        assert!(span.has_status());
        assert_eq!((i32::from(span.kind()), span.start_time().get()), (2, 77));
        self.check_reading_back();
    }

    /// What is read from the record itself is what its frame says.
    fn check_reading_back(&self) {
        let (record, model) = (&self.record, &self.model);
        let attributes: Vec<_> = record.attributes().map(|attribute| named(attribute.unwrap())).collect();
        assert_eq!(attributes, model.attributes);
        assert_eq!(record.attribute_count() as usize, model.attributes.len());
        assert_eq!(record.events().unwrap().count(), model.events.len());
        assert_eq!(record.event_count() as usize, model.events.len());
        assert_eq!(record.links().unwrap().count(), model.links.len());
        assert_eq!(record.link_count() as usize, model.links.len());
        let dropped = [
            record.dropped_attributes(),
            record.dropped_events(),
            record.dropped_links(),
        ];
        assert_eq!(
            dropped,
            [model.dropped_attributes, model.dropped_events, model.dropped_links]
        );
        assert_eq!(record.name(), model.name.as_bytes());
        assert_eq!(record.trace_state(), model.trace_state.as_bytes());
        assert_eq!(
            (record.status_code(), record.status_message()),
            (model.status.0, model.status.1.as_bytes())
        );
        assert_eq!((record.is_ended(), record.end_time()), (self.ended, model.end));
        assert_eq!(record.parent(), self.setup.parent.as_ref());
        assert_eq!(record.is_sampled(), self.setup.flags & 1 == 1);
    }
}

/// Puts the frame into a request and has all of it checked.
fn check_strictly(frame: &[u8]) {
    let mut request = Region::new();
    let resource = request.open(len_tag(tag::export_request::RESOURCE_SPANS), 2);
    let scope = request.open(len_tag(tag::resource_spans::SCOPE_SPANS), 2);
    request.bytes_field(len_tag(tag::scope_spans::SPANS).into(), frame);
    request.close(scope);
    request.close(resource);
    assert_eq!(validate(Signal::Traces, request.as_slice()).unwrap().items, 1);
}

fn named(attribute: spanwire_wire::KeyValue<'_>) -> (String, Any) {
    assert!(attribute.has_value());
    let value = match attribute.value().unwrap() {
        Value::Empty => Any::Null,
        Value::Str(value) => {
            let len = value.chars().count();
            assert_eq!(value, text(len));
            Any::Str(len)
        }
        Value::Int(value) => Any::Int(value),
        Value::Double(value) => Any::Double(value),
        Value::Bool(value) => Any::Bool(value),
        Value::Bytes(value) => {
            let len = std::str::from_utf8(value).unwrap().chars().count();
            assert_eq!(value, text(len).as_bytes());
            Any::Bytes(len)
        }
        Value::Array(array) => {
            let mut len = 0;
            for element in &array {
                assert!(matches!(element.unwrap(), Value::Int(value) if value == len));
                len += 1;
            }
            Any::Array(len.try_into().unwrap())
        }
        other => panic!("{other:?}"),
    };
    (attribute.key().to_owned(), value)
}

fn all(attributes: KeyValues<'_>) -> Vec<(String, Any)> {
    attributes.map(|attribute| named(attribute.unwrap())).collect()
}

fn read(span: &SpanView<'_>) -> Model {
    let event = |event: spanwire_wire::EventView<'_>| {
        let name = event.name().to_owned();
        let number = i64::try_from(name.chars().count()).unwrap();
        assert_eq!(all(event.attributes()), [("at".to_owned(), Any::Int(number))]);
        (name, event.time().get(), event.dropped_attributes_count())
    };
    let link = |link: spanwire_wire::LinkView<'_>| {
        assert_eq!(all(link.attributes()), [("linked".to_owned(), Any::Bool(true))]);
        let context = target(link.trace_id().as_bytes()[0]);
        assert_eq!(link.trace_id().to_bytes(), context.trace_id);
        assert_eq!(link.span_id().to_bytes(), context.span_id);
        let flags = 0x100 | u32::from(context.is_remote) << 9 | u32::from(context.flags);
        assert_eq!(link.flags(), flags);
        (context, link.trace_state().to_owned(), link.dropped_attributes_count())
    };
    Model {
        name: span.name().to_owned(),
        trace_state: span.trace_state().to_owned(),
        status: (
            u8::try_from(i32::from(span.status().code())).unwrap(),
            span.status().message().to_owned(),
        ),
        attributes: all(span.attributes()),
        dropped_attributes: span.dropped_attributes_count(),
        events: span.events().map(|item| event(item.unwrap())).collect(),
        dropped_events: span.dropped_events_count(),
        links: span.links().map(|item| link(item.unwrap())).collect(),
        dropped_links: span.dropped_links_count(),
        end: span.end_time().get(),
    }
}

fn limit() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), 1..4_u32, 60..70_u32, Just(128), Just(Limits::NONE)]
}

fn setup() -> impl Strategy<Value = Setup> {
    let hashes = prop_oneof![Just(1_u64), 2..9_u64, Just(u64::from(u16::MAX))];
    let parent = proptest::option::of((1..=254_u8).prop_map(target));
    ((limit(), limit(), limit()), hashes, parent, 0..4_u8).prop_map(
        |((attributes, events, links), hashes, parent, flags)| Setup {
            limits: Limits {
                attributes,
                events,
                links,
            },
            hashes,
            parent,
            flags,
        },
    )
}

fn value() -> impl Strategy<Value = Any> {
    prop_oneof![
        Just(Any::Null),
        (0..40_usize).prop_map(Any::Str),
        prop_oneof![100..400_usize, LARGE].prop_map(Any::Str),
        any::<i64>().prop_map(Any::Int),
        (-1e9..1e9_f64).prop_map(Any::Double),
        any::<bool>().prop_map(Any::Bool),
        (0..200_usize).prop_map(Any::Bytes),
        (0..60_usize).prop_map(Any::Array),
    ]
}

fn small() -> impl Strategy<Value = Any> {
    prop_oneof![(0..60_usize).prop_map(Any::Str), any::<i64>().prop_map(Any::Int)]
}

fn op() -> impl Strategy<Value = Op> {
    let few = 0..12_u16;
    prop_oneof![
        12 => (few.clone(), value()).prop_map(|(key, value)| Op::Set(key, value)),
        4 => (0..150_u16, 1..100_u16, small()).prop_map(|(from, count, value)| Op::SetMany(from, count, value)),
        3 => few.prop_map(Op::Remove),
        2 => (0..150_u16, 1..100_u16).prop_map(|(from, count)| Op::RemoveMany(from, count)),
        1 => (0..5_u32).prop_map(Op::Drop),
        4 => (any::<u8>(), any::<u64>(), 0..3_u32).prop_map(|(name, time, dropped)| Op::Event(name, time, dropped)),
        4 => (1..=255_u8, any::<u8>(), 0..3_u32).prop_map(|(of, state, dropped)| Op::Link(of, state, dropped)),
        1 => (0..300_usize).prop_map(Op::Name),
        1 => (0..3_u8, 0..200_usize).prop_map(|(code, len)| Op::Status(code, len)),
        1 => (0..200_usize).prop_map(Op::TraceState),
        2 => Just(Op::Check),
        1 => (1..u64::MAX).prop_map(Op::End),
        1 => setup().prop_map(Op::Begin),
    ]
}

// Under Miri programs are short and values small, if large enough for holes that are worth filling.
const LONGEST: usize = if cfg!(miri) { 9 } else { 80 };
const LARGE: Range<usize> = if cfg!(miri) { 1_000..2_500 } else { 5_000..20_000 };

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 150 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_record_is_what_its_model_is(setup in setup(), ops in proptest::collection::vec(op(), 1..LONGEST)) {
        let mut pair = Pair::new(setup);
        for op in &ops {
            pair.run(op);
        }
        pair.check();
    }

    /// Sets and removals only, of many keys without an end: the index is built, filled, emptied and left again.
    #[test]
    fn many_keys_are_kept_in_order(
        hashes in prop_oneof![Just(3_u64), Just(u64::from(u16::MAX))],
        limit in prop_oneof![Just(100_u32), Just(Limits::NONE)],
        ops in proptest::collection::vec(
            prop_oneof![
                4 => (0..250_u16, 1..200_u16, small()).prop_map(|(from, count, value)| Op::SetMany(from, count, value)),
                3 => (0..250_u16, 1..200_u16).prop_map(|(from, count)| Op::RemoveMany(from, count)),
                1 => (0..250_u16, value()).prop_map(|(key, value)| Op::Set(key, value)),
                1 => Just(Op::Check),
            ],
            1..(LONGEST / 3),
        ),
    ) {
        let limits = Limits { attributes: limit, ..Limits::default() };
        let mut pair = Pair::new(Setup { limits, hashes, parent: None, flags: 1 });
        for op in &ops {
            pair.run(op);
        }
        pair.check();
    }
}
