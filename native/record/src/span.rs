//! [`SpanRecord`]: one span from begin to end.

use spanwire_wire::arena::Region;
use spanwire_wire::span::{Events, Links};
use spanwire_wire::tag::{self, fixed32_tag, fixed64_tag, len_tag, varint_tag};
use spanwire_wire::write;
use spanwire_wire::{DecodeError, SpanView};

use crate::attributes::{self, AttributeIter, Attributes};
use crate::items::Items;
use crate::limits::{KEEP_BYTES, MAX_RECORD_BYTES};
use crate::value::{Text, Value};
use crate::{Limits, SpanContext, Status};

/// Most bytes of an event beside its name and attributes: its tag and length, time, the name's, the dropped count.
const EVENT_OVERHEAD: usize = 6 + 9 + 6 + 6;
/// Most bytes of a link beside its trace state and attributes: its tag and length, ids, the trace state's, dropped count, flags.
const LINK_OVERHEAD: usize = 6 + 28 + 6 + 6 + 5;

/// What is being recorded of one span.
///
/// After [`end`](Self::end), setters change nothing. Keys come with Python's hash of them: equal keys have equal hashes.
#[derive(Debug, Default)]
pub struct SpanRecord {
    /// A word of whoever holds the record, which is not looked at here.
    pub owner: usize,
    pub(crate) ids: SpanContext,
    /// Meaningless without `has_parent`.
    pub(crate) parent: SpanContext,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) has_parent: bool,
    pub(crate) kind: u8,
    pub(crate) status_code: u8,
    ended: bool,
    /// Nothing changes any more: it has ended, or a defect was found.
    sealed: bool,
    pub(crate) name: Region,
    pub(crate) trace_state: Region,
    pub(crate) status_message: Region,
    pub(crate) attributes: Attributes,
    pub(crate) events: Items,
    pub(crate) links: Items,
}

impl SpanRecord {
    /// A record without a span; it takes memory when it is first used.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a span, whatever was recorded before. `name` is UTF-8, `kind` OTLP's (1 to 5).
    #[inline]
    pub fn begin(
        &mut self,
        limits: Limits,
        parent: Option<&SpanContext>,
        ids: &SpanContext,
        name: &[u8],
        kind: u8,
        start: u64,
    ) {
        self.ids = *ids;
        self.has_parent = parent.is_some();
        if let Some(parent) = parent {
            self.parent = *parent;
        }
        self.start = start;
        self.end = 0;
        self.kind = kind;
        self.status_code = 0;
        self.ended = false;
        self.sealed = false;
        self.trace_state.truncate(0);
        self.status_message.truncate(0);
        self.attributes.begin(limits.attributes);
        self.events.begin(limits.events);
        self.links.begin(limits.links);
        self.name.truncate(0);
        if name.len() < MAX_RECORD_BYTES {
            self.name.raw(name);
        }
    }

    /// Sets the end time; false if the span has ended before.
    #[inline]
    pub fn end(&mut self, time: u64) -> bool {
        if self.ended {
            return false;
        }
        self.ended = true;
        self.end = time;
        self.seal();
        true
    }

    /// From now on setters change nothing, though the span has not ended: for a record in which a defect was found.
    pub fn seal(&mut self) {
        self.sealed = true;
        self.attributes.seal();
    }

    /// Sets an attribute. The key is UTF-8.
    #[inline(always)]
    pub fn set<'v>(&mut self, key: &[u8], hash: u64, value: impl Into<Value<'v>> + Copy) -> Status {
        if let Some(scalar) = value.into().scalar()
            && self.attributes.push_quickly(key, hash, scalar)
        {
            return Status::OK;
        }
        self.set_slowly(key, hash, value)
    }

    /// `value` is handed on as it is, in registers.
    #[inline(never)]
    fn set_slowly<'v>(&mut self, key: &[u8], hash: u64, value: impl Into<Value<'v>>) -> Status {
        self.set_any(key, hash, value.into())
    }

    fn set_any(&mut self, key: &[u8], hash: u64, value: Value<'_>) -> Status {
        if let Some(scalar) = value.scalar()
            && self.attributes.push_collided(key, hash, scalar)
        {
            return Status::OK;
        }
        let size = key.len() + value.size() + attributes::OVERHEAD;
        let mut status = Status::OK;
        if !self.attributes.has_room(hash, size) {
            match self.make_room(key, hash, size) {
                Ok(said) => status = said,
                Err(refused) => return refused,
            }
        }
        self.attributes.push(hash, |out| value.write(out, attributes::TAG, key));
        self.attributes.provide();
        status
    }

    /// Sets an attribute to a string; key and value are UTF-8.
    #[inline(always)]
    pub fn set_str(&mut self, key: &[u8], hash: u64, value: &[u8]) -> Status {
        self.set(key, hash, Text(value))
    }

    /// Sets an attribute to an integer.
    #[inline(always)]
    pub fn set_int(&mut self, key: &[u8], hash: u64, value: i64) -> Status {
        self.set(key, hash, value)
    }

    /// Sets an attribute to a double.
    #[inline(always)]
    pub fn set_double(&mut self, key: &[u8], hash: u64, value: f64) -> Status {
        self.set(key, hash, value)
    }

    /// Sets an attribute to a boolean.
    #[inline(always)]
    pub fn set_bool(&mut self, key: &[u8], hash: u64, value: bool) -> Status {
        self.set(key, hash, value)
    }

    /// Sets an attribute to bytes.
    #[inline(always)]
    pub fn set_bytes(&mut self, key: &[u8], hash: u64, value: &[u8]) -> Status {
        self.set(key, hash, Value::Bytes(value))
    }

    /// Sets an attribute to a value that is encoded already: the content of an `AnyValue`, of which nothing is OTLP's null.
    pub fn set_encoded(&mut self, key: &[u8], hash: u64, any_value: &[u8]) -> Status {
        self.set(key, hash, Value::Encoded(any_value))
    }

    #[cold]
    #[inline(never)]
    fn make_room(&mut self, key: &[u8], hash: u64, size: usize) -> Result<Status, Status> {
        let room = self.room_for(self.attributes.live_bytes());
        self.attributes.make_room(key, hash, size, room)
    }

    /// Removes an attribute, if it is there.
    pub fn remove(&mut self, key: &[u8], hash: u64) {
        self.attributes.remove(key, hash);
    }

    /// Adds to the count of dropped attributes.
    pub fn drop_attributes(&mut self, count: u32) {
        self.attributes.drop_more(count);
    }

    /// Adds an event. `attributes` are encoded `KeyValue`s under the tag of `Event.attributes`, of which `dropped` were left out.
    pub fn add_event(&mut self, name: &[u8], time: u64, attributes: &[u8], dropped: u32) -> Status {
        if self.sealed {
            return Status::OK;
        }
        let size = EVENT_OVERHEAD
            .saturating_add(name.len())
            .saturating_add(attributes.len());
        let room = self.room_for(self.events.live().len());
        self.events.add(size, room, |out| {
            let message = out.open(const { len_tag(tag::span::EVENTS) }, if size < 128 { 1 } else { 2 });
            write::fixed64_field(out, const { fixed64_tag(tag::event::TIME_UNIX_NANO) }, time);
            write::bytes_field(out, const { len_tag(tag::event::NAME) }, name);
            out.raw(attributes);
            write::varint_field(
                out,
                const { varint_tag(tag::event::DROPPED_ATTRIBUTES_COUNT) },
                dropped.into(),
            );
            out.close(message);
        })
    }

    /// Adds a link. `attributes` are encoded `KeyValue`s under the tag of `Link.attributes`, of which `dropped` were left out.
    pub fn add_link(&mut self, target: &SpanContext, trace_state: &[u8], attributes: &[u8], dropped: u32) -> Status {
        if self.sealed {
            return Status::OK;
        }
        let size = LINK_OVERHEAD
            .saturating_add(trace_state.len())
            .saturating_add(attributes.len());
        let room = self.room_for(self.links.live().len());
        self.links.add(size, room, |out| {
            let message = out.open(const { len_tag(tag::span::LINKS) }, if size < 128 { 1 } else { 2 });
            out.ids(
                const { len_tag(tag::link::TRACE_ID) },
                target.trace_id,
                const { len_tag(tag::link::SPAN_ID) },
                target.span_id,
            );
            write::bytes_field(out, const { len_tag(tag::link::TRACE_STATE) }, trace_state);
            out.raw(attributes);
            write::varint_field(
                out,
                const { varint_tag(tag::link::DROPPED_ATTRIBUTES_COUNT) },
                dropped.into(),
            );
            out.fixed32_field(const { fixed32_tag(tag::link::FLAGS) }, target.wire_flags(Some(target)));
            out.close(message);
        })
    }

    /// Renames the span; UTF-8. A name that the record has no room for leaves the old one.
    pub fn set_name(&mut self, name: &[u8]) -> Status {
        let room = self.room_for(self.name.len());
        replace(&mut self.name, name, self.sealed, room)
    }

    /// Sets the status: OTLP's code (0 unset, 1 ok, 2 error) and a message, UTF-8.
    pub fn set_status(&mut self, code: u8, message: &[u8]) -> Status {
        if !self.sealed {
            self.status_code = code;
        }
        let room = self.room_for(self.status_message.len());
        replace(&mut self.status_message, message, self.sealed, room)
    }

    /// Sets the span's own trace state, as the W3C header.
    pub fn set_trace_state(&mut self, header: &[u8]) -> Status {
        let room = self.room_for(self.trace_state.len());
        replace(&mut self.trace_state, header, self.sealed, room)
    }

    /// What is left of the record's bounds for a part that takes `used` bytes now.
    fn room_for(&self, used: usize) -> usize {
        MAX_RECORD_BYTES.saturating_sub(self.content_len() - used)
    }

    /// Bytes of all parts that have no bound of their own.
    #[inline(always)]
    pub(crate) fn content_len(&self) -> usize {
        self.name.len()
            + self.trace_state.len()
            + self.status_message.len()
            + self.attributes.live_bytes()
            + self.events.live().len()
            + self.links.live().len()
    }

    /// Whether any buffer may be larger than a usual span needs: all are looked at in one comparison.
    #[must_use]
    #[inline]
    pub const fn is_large(&self) -> bool {
        let texts = self.name.capacity() | self.trace_state.capacity() | self.status_message.capacity();
        texts | self.attributes.memory() | self.events.memory() | self.links.memory() > KEEP_BYTES
    }

    /// Gives up large buffers; the content is gone.
    #[cold]
    pub(crate) fn shrink(&mut self) {
        for text in [&mut self.name, &mut self.trace_state, &mut self.status_message] {
            text.clear(KEEP_BYTES);
        }
        self.attributes.shrink();
        self.events.shrink();
        self.links.shrink();
    }
}

fn replace(text: &mut Region, by: &[u8], sealed: bool, room: usize) -> Status {
    if sealed {
        return Status::OK;
    }
    if by.len() > room {
        return Status::UNENCODABLE;
    }
    text.truncate(0);
    text.raw(by);
    Status::OK
}

/// Reading back.
impl SpanRecord {
    /// The span's own ids and flags.
    #[must_use]
    pub const fn context(&self) -> &SpanContext {
        &self.ids
    }

    /// The span around it.
    #[must_use]
    pub fn parent(&self) -> Option<&SpanContext> {
        self.has_parent.then_some(&self.parent)
    }

    /// Whether it is to be exported.
    #[must_use]
    #[inline]
    pub const fn is_sampled(&self) -> bool {
        self.ids.is_sampled()
    }

    /// Whether it has ended.
    #[must_use]
    #[inline]
    pub const fn is_ended(&self) -> bool {
        self.ended
    }

    /// The name, UTF-8.
    #[must_use]
    pub const fn name(&self) -> &[u8] {
        self.name.as_slice()
    }

    /// The kind, as OTLP numbers them.
    #[must_use]
    pub const fn kind(&self) -> u8 {
        self.kind
    }

    /// When it started, in nanoseconds since the epoch.
    #[must_use]
    pub const fn start_time(&self) -> u64 {
        self.start
    }

    /// When it ended; 0 until then.
    #[must_use]
    pub const fn end_time(&self) -> u64 {
        self.end
    }

    /// OTLP's status code.
    #[must_use]
    pub const fn status_code(&self) -> u8 {
        self.status_code
    }

    /// The status' message, UTF-8; empty if there is none.
    #[must_use]
    pub const fn status_message(&self) -> &[u8] {
        self.status_message.as_slice()
    }

    /// The trace state as the W3C header; empty if there is none.
    #[must_use]
    pub const fn trace_state(&self) -> &[u8] {
        self.trace_state.as_slice()
    }

    /// The attributes in order.
    #[must_use]
    pub fn attributes(&self) -> AttributeIter<'_> {
        self.attributes.iter()
    }

    /// How many attributes there are.
    #[must_use]
    pub const fn attribute_count(&self) -> u32 {
        self.attributes.len()
    }

    /// How many attributes were dropped.
    #[must_use]
    pub const fn dropped_attributes(&self) -> u32 {
        self.attributes.dropped()
    }

    /// The events in order.
    pub fn events(&self) -> Result<Events<'_>, DecodeError> {
        // Fields of a span are a span.
        SpanView::new(self.events.live()).map(|span| span.events())
    }

    /// How many events there are.
    #[must_use]
    pub const fn event_count(&self) -> u32 {
        self.events.len()
    }

    /// How many events were dropped.
    #[must_use]
    pub const fn dropped_events(&self) -> u32 {
        self.events.dropped()
    }

    /// The links in order.
    pub fn links(&self) -> Result<Links<'_>, DecodeError> {
        SpanView::new(self.links.live()).map(|span| span.links())
    }

    /// How many links there are.
    #[must_use]
    pub const fn link_count(&self) -> u32 {
        self.links.len()
    }

    /// How many links were dropped.
    #[must_use]
    pub const fn dropped_links(&self) -> u32 {
        self.links.dropped()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(limits: Limits) -> SpanRecord {
        let mut record = SpanRecord::new();
        record.begin(limits, None, &SpanContext::default(), b"name", 1, 1);
        record
    }

    fn set_everything(record: &mut SpanRecord) {
        let statuses = [
            record.set_str(b"s", 1, b"value"),
            record.set_int(b"i", 2, 7),
            record.set_double(b"d", 3, 0.5),
            record.set_bool(b"b", 4, false),
            record.set_bytes(b"y", 5, b"\xFF"),
            record.set_encoded(b"e", 6, b""),
            record.add_event(b"event", 1, b"", 0),
            record.add_link(&SpanContext::default(), b"", b"", 0),
            record.set_name(b"renamed"),
            record.set_status(2, b"message"),
            record.set_trace_state(b"a=b"),
        ];
        record.drop_attributes(1);
        assert_eq!(statuses, [Status::OK; 11]);
    }

    fn frame(record: &SpanRecord) -> Vec<u8> {
        let mut out = Region::new();
        record.write_frame(&mut out);
        out.into_vec()
    }

    #[test]
    fn after_its_end_a_record_changes_no_more() {
        for limits in [
            Limits::default(),
            Limits::UNLIMITED,
            Limits {
                attributes: 0,
                events: 0,
                links: 0,
            },
        ] {
            let mut record = begun(limits);
            let _ = record.set_str(b"kept", 9, b"value");
            assert!(record.end(5) && record.is_ended());
            let before = frame(&record);
            set_everything(&mut record);
            record.remove(b"kept", 9);
            assert!(!record.end(6));
            assert_eq!((frame(&record), record.end_time()), (before, 5));
        }
    }

    #[test]
    fn a_sealed_record_can_end_but_not_change() {
        let mut record = begun(Limits::default());
        record.seal();
        let before = frame(&record).len();
        set_everything(&mut record);
        assert_eq!(frame(&record).len(), before);
        assert!(record.end(5));
        assert_eq!(frame(&record).len(), before + 9);
    }

    #[test]
    fn a_record_begun_again_knows_nothing_of_the_span_before() {
        let mut record = begun(Limits::UNLIMITED);
        set_everything(&mut record);
        for number in 0..200_u8 {
            let _ = record.set_int(&[b'k', number], number.into(), 1);
        }
        assert!(record.end(5));
        let parent = SpanContext {
            is_remote: 1,
            ..SpanContext::default()
        };
        record.begin(
            Limits::default(),
            Some(&parent),
            &SpanContext::default(),
            b"child",
            2,
            3,
        );
        record.begin(Limits::default(), None, &SpanContext::default(), b"name", 1, 1);
        assert_eq!(frame(&record), frame(&begun(Limits::default())));
        set_everything(&mut record);
        let mut fresh = begun(Limits::default());
        set_everything(&mut fresh);
        assert_eq!(frame(&record), frame(&fresh));
    }

    #[test]
    fn a_record_has_a_bound() {
        let half = vec![b'x'; MAX_RECORD_BYTES / 2 - 100];
        let mut record = begun(Limits::default());
        assert_eq!(record.set_str(b"a", 1, &half), Status::OK);
        assert_eq!(record.set_status(2, &half), Status::OK);
        assert_eq!(record.set_str(b"b", 2, &half), Status::UNENCODABLE);
        assert_eq!(record.add_event(b"e", 1, &half, 0), Status::UNENCODABLE);
        assert_eq!(
            record.add_link(&SpanContext::default(), b"", &half, 0),
            Status::UNENCODABLE
        );
        assert_eq!(record.set_name(&half), Status::UNENCODABLE);
        assert_eq!(record.set_trace_state(&half), Status::UNENCODABLE);
        assert_eq!(record.name(), b"name");
        assert_eq!(
            (record.attribute_count(), record.event_count(), record.link_count()),
            (1, 0, 0)
        );
        assert_eq!((record.dropped_events(), record.dropped_links()), (1, 1));
        // A refused value takes the old one with it, and its room is free again.
        let too_much = vec![b'x'; MAX_RECORD_BYTES];
        assert_eq!(record.set_str(b"a", 1, &too_much), Status::UNENCODABLE);
        assert_eq!(record.attribute_count(), 0);
        assert_eq!(record.set_str(b"b", 2, &half), Status::OK);
        assert!(record.frame_len_max() < MAX_RECORD_BYTES + 200);
    }

    #[test]
    fn a_shrunk_record_gives_large_texts_back() {
        let mut record = begun(Limits::default());
        let large = vec![b'x'; 2 * KEEP_BYTES];
        let _ = (
            record.set_name(&large),
            record.set_status(2, &large),
            record.set_trace_state(&large),
        );
        record.shrink();
        for text in [&record.name, &record.status_message, &record.trace_state] {
            assert!(text.capacity() <= KEEP_BYTES);
        }
    }
}
