//! The fast path: exact instances of the SDK's classes, read by [`Layout`](super::layout::Layout)s and written without running Python code.
//!
//! Invariant: nothing here runs Python code, frees an object or allocates beyond the output's growth. Whatever is not exactly as
//! the SDK makes it (another type, a value that OTLP cannot hold) ends in [`Unusual`]: the caller undoes what was written and
//! takes the general path for that span alone, which also counts and reports what is left out.

use std::ops::Range;
use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;
use spanwire_wire::arena::Region;
use spanwire_wire::tag::{self, fixed32_tag, fixed64_tag, len_tag, varint_tag};
use spanwire_wire::write;

use super::batch::Batch;
use super::nested::{Nested, is_exact_str};
use super::object::{Kind, Ref, Text};
use super::prefetch;
use super::sdk_types::{CONTEXT, DEQUE, SdkTypes};
use crate::encode::depth::{DEPTH_IN_LIST, DEPTH_IN_SPAN};

/// Not as the SDK makes it: encode this span on the general path.
#[derive(Clone, Copy, Debug)]
pub struct Unusual;

/// What follows each other with equal values in most spans: encoded once.
#[derive(Default)]
struct Memo {
    status: usize,
    status_bytes: [u8; 4],
    status_len: u8,
    empty_trace_state: usize,
}

/// Resource and scope of a span, borrowed from it.
struct Origin<'a> {
    resource: Ref<'a>,
    scope: Ref<'a>,
}

/// Resource and scope of a span.
pub type OwnedOrigin<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

/// Addresses of a resource and a scope.
pub type Identities = (usize, usize);

/// Text that is not ASCII goes through here: key and value.
#[derive(Default)]
struct Scratch {
    key: Vec<u8>,
    value: Vec<u8>,
}

/// Writes spans of one batch.
pub struct FastEncoder<'t> {
    types: &'t SdkTypes,
    w3c_flags: bool,
    memo: Memo,
    scratch: Scratch,
}

impl<'t> FastEncoder<'t> {
    pub fn new(types: &'t SdkTypes, w3c_flags: bool) -> Self {
        Self {
            types,
            w3c_flags,
            memo: Memo::default(),
            scratch: Scratch::default(),
        }
    }

    /// Writes span `at` of `batch` as a field of `ScopeSpans`. Answers its resource and scope unless `known` says that it knows
    /// them, by the addresses and where in `out` the span was written.
    ///
    /// What is remembered by address between spans is only right while no Python code runs: make a new encoder when it did.
    #[inline(always)]
    pub fn span_of<'py>(
        &mut self,
        batch: &Batch<'py>,
        at: usize,
        out: &mut Region,
        known: impl FnOnce(Identities, Range<usize>) -> bool,
    ) -> Result<Option<OwnedOrigin<'py>>, Unusual> {
        let start = out.len();
        // SAFETY: no Python code runs until the slice and what is borrowed from its spans were last used: references of our own
        // are taken before this returns, and `known` cannot reach Python.
        unsafe {
            let spans = batch.now();
            prefetch::ahead(self.types, spans, at);
            let span = Ref::new(*spans.get(at).ok_or(Unusual)?);
            let Origin { resource, scope } = self.span(out, span)?;
            let identities = (resource.as_ptr() as usize, scope.as_ptr() as usize);
            if known(identities, start..out.len()) {
                return Ok(None);
            }
            let own = |object: Ref<'_>| Bound::from_borrowed_ptr(batch.py(), object.as_ptr());
            Ok(Some((own(resource), own(scope))))
        }
    }

    #[inline(always)]
    fn span<'a>(&mut self, out: &mut Region, span: Ref<'a>) -> Result<Origin<'a>, Unusual> {
        let types = self.types;
        let [
            name,
            context,
            kind,
            parent,
            start,
            end,
            attributes,
            events,
            links,
            status,
            resource,
            scope,
        ] = types.span.load(span).ok_or(Unusual)?;
        if !(types.is_resource(resource) && (scope.is_none() || types.is_scope(scope))) {
            return Err(Unusual);
        }
        let message = out.open(const { len_tag(tag::scope_spans::SPANS) }, 2);
        self.ids(out, context, tag::span::TRACE_ID, tag::span::SPAN_ID)?;
        self.trace_state(out, context, const { len_tag(tag::span::TRACE_STATE) })?;
        if !parent.is_none() {
            self.check_context(parent)?;
            let id = types.ints.u64(parent.tuple_item(1).ok_or(Unusual)?).ok_or(Unusual)?;
            out.id8(const { len_tag(tag::span::PARENT_SPAN_ID) }, id.to_be_bytes());
        }
        self.string(out, const { len_tag(tag::span::NAME) }, name)?;
        let kind = (1..)
            .zip(&types.kinds)
            .find(|(_, known)| kind.is(known.as_ptr()))
            .ok_or(Unusual)?
            .0;
        out.span_kind_and_times(
            const { varint_tag(tag::span::KIND) },
            kind,
            (
                const { fixed64_tag(tag::span::START_TIME_UNIX_NANO) },
                self.time(start)?,
            ),
            (const { fixed64_tag(tag::span::END_TIME_UNIX_NANO) }, self.time(end)?),
        );
        let dropped = self.attributes(out, const { len_tag(tag::span::ATTRIBUTES) }, attributes, DEPTH_IN_SPAN)?;
        write::varint_field(out, const { varint_tag(tag::span::DROPPED_ATTRIBUTES_COUNT) }, dropped);
        let dropped = self.list(out, events, Self::event)?;
        write::varint_field(out, const { varint_tag(tag::span::DROPPED_EVENTS_COUNT) }, dropped);
        let dropped = self.list(out, links, Self::link)?;
        write::varint_field(out, const { varint_tag(tag::span::DROPPED_LINKS_COUNT) }, dropped);
        self.status(out, status)?;
        let flags = self.flags(parent, context)?;
        out.fixed32_field(const { fixed32_tag(tag::span::FLAGS) }, flags);
        out.close(message);
        Ok(Origin { resource, scope })
    }

    #[inline(always)]
    fn check_context(&self, context: Ref<'_>) -> Result<(), Unusual> {
        let exact = ptr::eq(context.type_ptr(), self.types.guards[CONTEXT].type_ptr());
        if exact { Ok(()) } else { Err(Unusual) }
    }

    #[inline(always)]
    fn ids(&self, out: &mut Region, context: Ref<'_>, trace_id: u32, span_id: u32) -> Result<(), Unusual> {
        self.check_context(context)?;
        let ints = self.types.ints;
        let trace = context.tuple_item(0).and_then(|id| ints.u128(id)).ok_or(Unusual)?;
        let span = context.tuple_item(1).and_then(|id| ints.u64(id)).ok_or(Unusual)?;
        out.ids(
            len_tag(trace_id),
            trace.to_be_bytes(),
            len_tag(span_id),
            span.to_be_bytes(),
        );
        Ok(())
    }

    /// The flags of a span with that `parent` or of a link to it, whose own trace flags are `context`'s.
    #[inline(always)]
    fn flags(&self, parent: Ref<'_>, context: Ref<'_>) -> Result<u32, Unusual> {
        let mut flags = tag::flags::CONTEXT_HAS_IS_REMOTE;
        if !parent.is_none() && parent.tuple_item(2).and_then(Ref::as_bool).ok_or(Unusual)? {
            flags |= tag::flags::CONTEXT_IS_REMOTE;
        }
        if self.w3c_flags {
            let trace_flags = context
                .tuple_item(3)
                .and_then(|flags| self.types.ints.u64(flags))
                .ok_or(Unusual)?;
            // The low eight bits.
            let [trace_flags, ..] = trace_flags.to_le_bytes();
            flags |= u32::from(trace_flags);
        }
        Ok(flags)
    }

    #[inline(always)]
    fn trace_state(&mut self, out: &mut Region, context: Ref<'_>, tag: u8) -> Result<(), Unusual> {
        let state = context.tuple_item(4).ok_or(Unusual)?;
        if state.as_ptr() as usize == self.memo.empty_trace_state {
            return Ok(());
        }
        self.trace_state_entries(out, state, tag)
    }

    #[inline(never)]
    fn trace_state_entries(&mut self, out: &mut Region, state: Ref<'_>, tag: u8) -> Result<(), Unusual> {
        let [entries] = self.types.trace_state.load(state).ok_or(Unusual)?;
        let before = out.len();
        let field = out.open_short(tag);
        let start = out.len();
        for (key, value) in entries.entries().ok_or(Unusual)? {
            if out.len() > start {
                out.raw(b",");
            }
            // Exact strs: a subclass may format itself otherwise.
            for (text, separator) in [(key, &b"="[..]), (value, b"")] {
                if !is_exact_str(text) {
                    return Err(Unusual);
                }
                out.raw(
                    text.text()
                        .ok_or(Unusual)?
                        .utf8(&mut self.scratch.value)
                        .map_err(|_| Unusual)?,
                );
                out.raw(separator);
            }
        }
        if out.len() == start {
            out.truncate(before);
            self.memo.empty_trace_state = state.as_ptr() as usize;
        } else {
            out.close(field);
        }
        Ok(())
    }

    /// A string field; `None` is an absent one.
    #[inline(always)]
    fn string(&mut self, out: &mut Region, tag: u8, text: Ref<'_>) -> Result<(), Unusual> {
        match text.text() {
            Some(Text::Ascii(bytes)) => write::bytes_field(out, tag, bytes),
            Some(text) => write::bytes_field(out, tag, text.utf8(&mut self.scratch.value).map_err(|_| Unusual)?),
            None if text.is_none() => {}
            None => return Err(Unusual),
        }
        Ok(())
    }

    #[inline(always)]
    fn time(&self, time: Ref<'_>) -> Result<u64, Unusual> {
        match self.types.ints.u64(time) {
            Some(time) => Ok(time),
            None if time.is_none() => Ok(0),
            None => Err(Unusual),
        }
    }

    /// All attributes under `tag`; answers how many the SDK dropped.
    #[inline(always)]
    fn attributes(&mut self, out: &mut Region, tag: u8, attributes: Ref<'_>, depth: u32) -> Result<u64, Unusual> {
        let (entries, dropped) = if self.types.attributes.matches(attributes) {
            let [entries, dropped] = self.types.attributes.load(attributes).ok_or(Unusual)?;
            (
                entries,
                self.types
                    .ints
                    .u64(dropped)
                    .filter(|&dropped| dropped <= u32::MAX.into())
                    .ok_or(Unusual)?,
            )
        } else if attributes.is_none() {
            return Ok(0);
        } else {
            (attributes, 0)
        };
        for (key, value) in entries.entries().ok_or(Unusual)? {
            self.attribute(out, tag, key, value, depth)?;
        }
        Ok(dropped)
    }

    #[inline(always)]
    fn attribute(
        &mut self,
        out: &mut Region,
        tag: u8,
        key: Ref<'_>,
        value: Ref<'_>,
        depth: u32,
    ) -> Result<(), Unusual> {
        let key = key.text().ok_or(Unusual)?;
        let key = key.utf8(&mut self.scratch.key).map_err(|_| Unusual)?;
        match value.kind() {
            Kind::Str => {
                let text = value.text().ok_or(Unusual)?;
                let text = text.utf8(&mut self.scratch.value).map_err(|_| Unusual)?;
                write::attribute_str(out, tag, key, text);
            }
            Kind::Int => write::attribute_int(out, tag, key, self.types.ints.i64(value).ok_or(Unusual)?),
            Kind::Float => write::attribute_double(out, tag, key, value.float()),
            Kind::Bool => write::attribute_bool(out, tag, key, value.as_bool().ok_or(Unusual)?),
            Kind::None => write::attribute_empty(out, tag, key),
            Kind::Bytes => write::attribute_bytes(out, tag, key, value.bytes()),
            Kind::Tuple | Kind::List | Kind::Dict => {
                let open = write::open_attribute(out, tag, key);
                let mut nested = Nested {
                    ints: self.types.ints,
                    any_keys: false,
                    text: &mut self.scratch.value,
                };
                nested.value(out, value, depth).map_err(|_| Unusual)?;
                write::close_attribute(out, open);
            }
            Kind::Other => return Err(Unusual),
        }
        Ok(())
    }

    /// Events or links; answers how many the SDK dropped.
    #[inline(always)]
    fn list(
        &mut self,
        out: &mut Region,
        list: Ref<'_>,
        item: impl Fn(&mut Self, &mut Region, Ref<'_>) -> Result<(), Unusual>,
    ) -> Result<u64, Unusual> {
        if !self.types.list.matches(list) {
            for entry in list.items().ok_or(Unusual)? {
                item(self, out, entry)?;
            }
            return Ok(0);
        }
        let [deque, dropped] = self.types.list.load(list).ok_or(Unusual)?;
        let dropped = self
            .types
            .ints
            .u64(dropped)
            .filter(|&dropped| dropped <= u32::MAX.into())
            .ok_or(Unusual)?;
        if !ptr::eq(deque.type_ptr(), self.types.guards[DEQUE].type_ptr()) {
            return Err(Unusual);
        }
        // SAFETY: an exact deque is a variable-sized object whose size is its number of items.
        let len = unsafe { ffi::Py_SIZE(deque.as_ptr()) };
        for index in 0..len {
            // SAFETY: an exact deque of which nobody changes anything meanwhile: `sq_item` hands over a new reference to an item
            // that the deque goes on owning, so giving it back frees nothing.
            let entry = unsafe {
                let entry = ffi::PySequence_GetItem(deque.as_ptr(), index);
                if entry.is_null() {
                    ffi::PyErr_Clear();
                    return Err(Unusual);
                }
                ffi::Py_DECREF(entry);
                Ref::new(entry)
            };
            item(self, out, entry)?;
        }
        Ok(dropped)
    }

    #[inline(never)]
    fn event(&mut self, out: &mut Region, event: Ref<'_>) -> Result<(), Unusual> {
        let [name, time, attributes] = self.types.event.load(event).ok_or(Unusual)?;
        let message = out.open(const { len_tag(tag::span::EVENTS) }, 2);
        write::fixed64_field(out, const { fixed64_tag(tag::event::TIME_UNIX_NANO) }, self.time(time)?);
        self.string(out, const { len_tag(tag::event::NAME) }, name)?;
        let dropped = self.attributes(
            out,
            const { len_tag(tag::event::ATTRIBUTES) },
            attributes,
            DEPTH_IN_LIST,
        )?;
        write::varint_field(out, const { varint_tag(tag::event::DROPPED_ATTRIBUTES_COUNT) }, dropped);
        out.close(message);
        Ok(())
    }

    #[inline(never)]
    fn link(&mut self, out: &mut Region, link: Ref<'_>) -> Result<(), Unusual> {
        let [context, attributes] = self.types.link.load(link).ok_or(Unusual)?;
        let message = out.open_short(const { len_tag(tag::span::LINKS) });
        self.ids(out, context, tag::link::TRACE_ID, tag::link::SPAN_ID)?;
        if self.w3c_flags {
            self.trace_state(out, context, const { len_tag(tag::link::TRACE_STATE) })?;
        }
        let dropped = self.attributes(out, const { len_tag(tag::link::ATTRIBUTES) }, attributes, DEPTH_IN_LIST)?;
        write::varint_field(out, const { varint_tag(tag::link::DROPPED_ATTRIBUTES_COUNT) }, dropped);
        out.fixed32_field(const { fixed32_tag(tag::link::FLAGS) }, self.flags(context, context)?);
        out.close(message);
        Ok(())
    }

    #[inline(always)]
    fn status(&mut self, out: &mut Region, status: Ref<'_>) -> Result<(), Unusual> {
        if status.as_ptr() as usize == self.memo.status {
            out.short(&self.memo.status_bytes, self.memo.status_len);
            return Ok(());
        }
        self.other_status(out, status)
    }

    #[inline(never)]
    fn other_status(&mut self, out: &mut Region, status: Ref<'_>) -> Result<(), Unusual> {
        let [code, description] = self.types.status.load(status).ok_or(Unusual)?;
        let code = self
            .types
            .status_codes
            .iter()
            .position(|known| code.is(known.as_ptr()))
            .ok_or(Unusual)?;
        let before = out.len();
        let message = out.open_short(const { len_tag(tag::span::STATUS) });
        self.string(out, const { len_tag(tag::status::MESSAGE) }, description)?;
        write::varint_field(out, const { varint_tag(tag::status::CODE) }, code as u64);
        out.close(message);
        let written = &out.as_slice()[before..];
        if let (Some(kept), Ok(len)) = (
            self.memo.status_bytes.get_mut(..written.len()),
            u8::try_from(written.len()),
        ) {
            kept.copy_from_slice(written);
            self.memo.status = status.as_ptr() as usize;
            self.memo.status_len = len;
        }
        Ok(())
    }
}
