//! The general path: any object with a span's public attributes, read as the SDK's encoder reads it.
//!
//! Python code runs here and may do anything, so every object in use is owned and nothing is assumed to stay as it was. What the
//! SDK's encoder would lose, this loses; where that one gives up a whole batch, this leaves out the attribute or field.

use std::fmt::Display;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyBytes, PyFloat, PyInt, PyString};
use spanwire_wire::arena::Region;
use spanwire_wire::tag::{self, fixed32_tag, fixed64_tag, len_tag, varint_tag};
use spanwire_wire::write;

use super::depth::{DEPTH_IN_LIST, DEPTH_IN_SPAN};
use super::drops::{Drop, Drops};
use crate::ffi::int::plain_i64;
use crate::ffi::object::Text;

/// Why one attribute is left out.
enum Refused {
    Drop(Drop, String),
    Raised(PyErr),
}

impl From<PyErr> for Refused {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

/// Writes what is read by public attributes.
pub struct General<'d> {
    pub drops: &'d mut Drops,
    pub w3c_flags: bool,
}

fn refused(reason: Drop, why: impl Display) -> Refused {
    Refused::Drop(reason, why.to_string())
}

impl General<'_> {
    /// Counts a failed read of field `name` and answers `None` for it.
    fn or_absent<T>(&mut self, name: &str, read: PyResult<T>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(error) => {
                self.drops.add_raised(Drop::Field, name, error);
                None
            }
        }
    }

    /// A public attribute; Python's `None` if it raises (counted).
    pub fn any<'py>(&mut self, object: &Bound<'py, PyAny>, name: &str) -> Bound<'py, PyAny> {
        let read = object.getattr(name);
        self.or_absent(name, read)
            .unwrap_or_else(|| object.py().None().into_bound(object.py()))
    }

    /// A public attribute; `None` if it raises (counted) or is `None`.
    pub fn field<'py>(&mut self, object: &Bound<'py, PyAny>, name: &str) -> Option<Bound<'py, PyAny>> {
        Some(self.any(object, name)).filter(|value| !value.is_none())
    }

    /// Writes `span` as a field of `ScopeSpans`; `false` if it has no usable ids and was left out.
    pub fn span(&mut self, out: &mut Region, span: &Bound<'_, PyAny>) -> bool {
        let before = out.len();
        let ids = span
            .call_method0("get_span_context")
            .and_then(|context| Ok((ids(&context)?, context)));
        let ((trace_id, span_id), context) = match ids {
            Ok(ids) => ids,
            Err(error) => {
                out.truncate(before);
                self.drops.add_raised(Drop::Span, "get_span_context", error);
                return false;
            }
        };
        let message = out.open(len_tag(tag::scope_spans::SPANS), 2);
        out.ids(
            len_tag(tag::span::TRACE_ID),
            trace_id,
            len_tag(tag::span::SPAN_ID),
            span_id,
        );
        self.trace_state(out, &context, len_tag(tag::span::TRACE_STATE));
        let parent = self
            .field(span, "parent")
            .filter(|parent| parent.is_truthy().unwrap_or(true));
        if let Some(parent) = &parent {
            let id = parent.getattr("span_id").and_then(|id| id_bytes::<8>(&id));
            if let Some(id) = self.or_absent("parent", id) {
                out.id8(len_tag(tag::span::PARENT_SPAN_ID), id);
            }
        }
        self.string(out, len_tag(tag::span::NAME), span, "name");
        let kind = self.field(span, "kind").and_then(|kind| {
            let number = kind.getattr("value").and_then(|value| value.extract::<u8>());
            let number = self.or_absent("kind", number)?;
            if number > 4 {
                self.drops
                    .add(Drop::Field, "kind", &format!("OTLP has no kind for {number}"));
                return None;
            }
            Some(number + 1)
        });
        write::varint_field(out, varint_tag(tag::span::KIND), kind.unwrap_or_default().into());
        for (tag, name) in [
            (tag::span::START_TIME_UNIX_NANO, "start_time"),
            (tag::span::END_TIME_UNIX_NANO, "end_time"),
        ] {
            let time = self.number(span, name);
            write::fixed64_field(out, fixed64_tag(tag), time);
        }
        if let Some(attributes) = self.field(span, "attributes") {
            self.attributes(out, len_tag(tag::span::ATTRIBUTES), &attributes, DEPTH_IN_SPAN);
        }
        self.dropped(
            out,
            varint_tag(tag::span::DROPPED_ATTRIBUTES_COUNT),
            span,
            "dropped_attributes",
        );
        self.each(span, "events", |this, event| this.event(out, event));
        self.dropped(out, varint_tag(tag::span::DROPPED_EVENTS_COUNT), span, "dropped_events");
        self.each(span, "links", |this, link| this.link(out, link));
        self.dropped(out, varint_tag(tag::span::DROPPED_LINKS_COUNT), span, "dropped_links");
        if let Some(status) = self.field(span, "status") {
            self.status(out, &status);
        }
        let flags = self.flags(parent.as_ref(), &context);
        out.fixed32_field(fixed32_tag(tag::span::FLAGS), flags);
        out.close(message);
        true
    }

    fn event(&mut self, out: &mut Region, event: &Bound<'_, PyAny>) {
        let message = out.open(len_tag(tag::span::EVENTS), 2);
        let time = self.number(event, "timestamp");
        write::fixed64_field(out, fixed64_tag(tag::event::TIME_UNIX_NANO), time);
        self.string(out, len_tag(tag::event::NAME), event, "name");
        if let Some(attributes) = self.field(event, "attributes") {
            self.attributes(out, len_tag(tag::event::ATTRIBUTES), &attributes, DEPTH_IN_LIST);
        }
        self.dropped(
            out,
            varint_tag(tag::event::DROPPED_ATTRIBUTES_COUNT),
            event,
            "dropped_attributes",
        );
        out.close(message);
    }

    fn link(&mut self, out: &mut Region, link: &Bound<'_, PyAny>) {
        let read = link
            .getattr("context")
            .and_then(|context| Ok((ids(&context)?, context)));
        let Some(((trace_id, span_id), context)) = self.or_absent("link", read) else {
            return;
        };
        let message = out.open_short(len_tag(tag::span::LINKS));
        out.ids(
            len_tag(tag::link::TRACE_ID),
            trace_id,
            len_tag(tag::link::SPAN_ID),
            span_id,
        );
        if self.w3c_flags {
            self.trace_state(out, &context, len_tag(tag::link::TRACE_STATE));
        }
        if let Some(attributes) = self.field(link, "attributes") {
            self.attributes(out, len_tag(tag::link::ATTRIBUTES), &attributes, DEPTH_IN_LIST);
        }
        self.dropped(
            out,
            varint_tag(tag::link::DROPPED_ATTRIBUTES_COUNT),
            link,
            "dropped_attributes",
        );
        let target = Some(&context).filter(|context| context.is_truthy().unwrap_or(true));
        let flags = self.flags(target, &context);
        out.fixed32_field(fixed32_tag(tag::link::FLAGS), flags);
        out.close(message);
    }

    fn status(&mut self, out: &mut Region, status: &Bound<'_, PyAny>) {
        let message = out.open_short(len_tag(tag::span::STATUS));
        self.string(out, len_tag(tag::status::MESSAGE), status, "description");
        let code = status
            .getattr("status_code")
            .and_then(|code| code.getattr("value")?.extract::<i32>());
        let code = self.or_absent("status_code", code).unwrap_or_default();
        // An enum is written as an int64, so a negative one is sign-extended.
        write::varint_field(out, varint_tag(tag::status::CODE), i64::from(code).cast_unsigned());
        out.close(message);
    }

    /// The flags of a span with that `parent` or of a link to it, whose own trace flags are `context`'s.
    fn flags(&mut self, parent: Option<&Bound<'_, PyAny>>, context: &Bound<'_, PyAny>) -> u32 {
        let mut flags = tag::flags::CONTEXT_HAS_IS_REMOTE;
        if let Some(parent) = parent {
            let remote = parent.getattr("is_remote").and_then(|remote| remote.is_truthy());
            if self.or_absent("is_remote", remote).unwrap_or_default() {
                flags |= tag::flags::CONTEXT_IS_REMOTE;
            }
        }
        if self.w3c_flags {
            let trace_flags = context.getattr("trace_flags").and_then(|flags| flags.extract::<u64>());
            // The low eight bits.
            let [trace_flags, ..] = self
                .or_absent("trace_flags", trace_flags)
                .unwrap_or_default()
                .to_le_bytes();
            flags |= u32::from(trace_flags);
        }
        flags
    }

    fn trace_state(&mut self, out: &mut Region, context: &Bound<'_, PyAny>, tag: u8) {
        let Some(state) = self.field(context, "trace_state") else {
            return;
        };
        let joined = (|| {
            let mut joined = String::new();
            for entry in state.call_method0("items")?.try_iter()? {
                let (key, value) = pair(&entry?)?;
                if !joined.is_empty() {
                    joined.push(',');
                }
                let none = PyString::new(state.py(), "");
                for (part, separator) in [(key, "="), (value, "")] {
                    joined.push_str(
                        part.call_method1("__format__", (&none,))?
                            .cast::<PyString>()?
                            .to_str()?,
                    );
                    joined.push_str(separator);
                }
            }
            Ok(joined)
        })();
        if let Some(joined) = self.or_absent("trace_state", joined) {
            write::bytes_field(out, tag, joined.as_bytes());
        }
    }

    /// A string field; lone surrogates are replaced (and counted), since a span without its name is worth less.
    pub fn string(&mut self, out: &mut Region, tag: u8, object: &Bound<'_, PyAny>, name: &str) {
        let Some(value) = self.field(object, name) else { return };
        if let Ok(bytes) = value.cast::<PyBytes>() {
            // protobuf takes bytes for a string if they are UTF-8.
            match std::str::from_utf8(bytes.as_bytes()) {
                Ok(_) => write::bytes_field(out, tag, bytes.as_bytes()),
                Err(error) => self.drops.add(Drop::Field, name, &error.to_string()),
            }
            return;
        }
        let Some(text) = value.cast::<PyString>().ok().and_then(Text::of) else {
            self.drops
                .add(Drop::Field, name, &format!("no string but {}", type_name(&value)));
            return;
        };
        let mut scratch = Vec::new();
        if let Ok(bytes) = text.utf8(&mut scratch) {
            write::bytes_field(out, tag, bytes);
        } else {
            self.drops.add(Drop::Field, name, "lone surrogates, replaced by U+FFFD");
            write::bytes_field(out, tag, text.utf8_lossy(&mut scratch));
        }
    }

    /// An unsigned 64-bit field, 0 if absent. protobuf takes whatever has `__index__`.
    fn number(&mut self, object: &Bound<'_, PyAny>, name: &str) -> u64 {
        let Some(value) = self.field(object, name) else {
            return 0;
        };
        let number = value.call_method0("__index__").and_then(|number| number.extract());
        self.or_absent(name, number).unwrap_or_default()
    }

    /// A count of what the SDK dropped; an object that does not know it has none.
    fn dropped(&mut self, out: &mut Region, tag: u8, object: &Bound<'_, PyAny>, name: &str) {
        if matches!(object.hasattr(name), Ok(false)) {
            return;
        }
        let count = self.number(object, name);
        match u32::try_from(count) {
            Ok(count) => write::varint_field(out, tag, count.into()),
            Err(error) => self.drops.add(Drop::Field, name, &error.to_string()),
        }
    }

    fn each(&mut self, span: &Bound<'_, PyAny>, name: &str, mut write: impl FnMut(&mut Self, &Bound<'_, PyAny>)) {
        let Some(items) = self.field(span, name).filter(|items| items.is_truthy().unwrap_or(true)) else {
            return;
        };
        let Some(items) = self.or_absent(name, items.try_iter()) else {
            return;
        };
        for item in items {
            match self.or_absent(name, item) {
                Some(item) => write(self, &item),
                None => return,
            }
        }
    }

    /// All entries of a mapping as `KeyValue`s under `tag`.
    pub fn attributes(&mut self, out: &mut Region, tag: u8, attributes: &Bound<'_, PyAny>, depth: u32) {
        let entries = (|| {
            if !attributes.is_truthy()? {
                return Ok(None);
            }
            Ok(Some(attributes.call_method0("items")?.try_iter()?))
        })();
        let Some(Some(entries)) = self.or_absent("attributes", entries) else {
            return;
        };
        for entry in entries {
            let entry = entry.and_then(|entry| pair(&entry));
            let Some((key, value)) = self.or_absent("attributes", entry) else {
                return;
            };
            let before = out.len();
            if let Err(refused) = attribute(out, tag, &key, &value, depth) {
                out.truncate(before);
                let name = key
                    .str()
                    .map(|name| name.to_string_lossy().into_owned())
                    .unwrap_or_default();
                match refused {
                    Refused::Drop(reason, why) => self.drops.add(reason, &name, &why),
                    Refused::Raised(error) => self.drops.add_raised(Drop::Raised, &name, error),
                }
            }
        }
    }
}

fn type_name(value: &Bound<'_, PyAny>) -> String {
    value.get_type().name().map(|name| name.to_string()).unwrap_or_default()
}

fn ids(context: &Bound<'_, PyAny>) -> PyResult<([u8; 16], [u8; 8])> {
    Ok((
        id_bytes(&context.getattr("trace_id")?)?,
        id_bytes(&context.getattr("span_id")?)?,
    ))
}

/// As the SDK's encoder: `id.to_bytes(N, "big")`.
fn id_bytes<const N: usize>(id: &Bound<'_, PyAny>) -> PyResult<[u8; N]> {
    id.call_method1("to_bytes", (N, "big"))?.extract()
}

fn attribute(
    out: &mut Region,
    tag: u8,
    key: &Bound<'_, PyAny>,
    value: &Bound<'_, PyAny>,
    depth: u32,
) -> Result<(), Refused> {
    let mut scratch = Vec::new();
    let key = if let Ok(key) = key.cast::<PyString>() {
        let text = Text::of(key).ok_or_else(|| refused(Drop::Text, "unreadable key"))?;
        text.utf8(&mut scratch)
            .map_err(|_| refused(Drop::Text, "lone surrogate in the key"))?
    } else if let Ok(key) = key.cast::<PyBytes>() {
        // protobuf takes bytes for a string if they are UTF-8.
        std::str::from_utf8(key.as_bytes())
            .map_err(|error| refused(Drop::Key, error))?
            .as_bytes()
    } else if key.is_none() {
        b""
    } else {
        return Err(refused(
            Drop::Key,
            format!("the key is no string but {}", type_name(key)),
        ));
    };
    let open = write::open_attribute(out, tag, key);
    any_value(out, value, depth)?;
    write::close_attribute(out, open);
    Ok(())
}

/// Appends the content of an `AnyValue`; why not, if OTLP cannot hold the value (what was written of it stays), or what it raised.
pub fn value(out: &mut Region, value: &Bound<'_, PyAny>) -> PyResult<Result<(), String>> {
    match any_value(out, value, DEPTH_IN_LIST) {
        Ok(()) => Ok(Ok(())),
        Err(Refused::Drop(_, why)) => Ok(Err(why)),
        Err(Refused::Raised(error)) => Err(error),
    }
}

/// The content of an `AnyValue`, asked in the order in which the SDK's encoder asks; `depth` messages may still be nested in it.
fn any_value(out: &mut Region, value: &Bound<'_, PyAny>, depth: u32) -> Result<(), Refused> {
    let py = value.py();
    if value.is_none() {
    } else if let Ok(value) = value.cast_exact::<PyBool>() {
        write::value_bool(out, value.is_true());
    } else if let Ok(value) = value.cast::<PyString>() {
        let mut scratch = Vec::new();
        let text = Text::of(value).ok_or_else(|| refused(Drop::Text, "unreadable"))?;
        let text = text
            .utf8(&mut scratch)
            .map_err(|_| refused(Drop::Text, "lone surrogate in the value"))?;
        write::value_str(out, text);
    } else if let Ok(value) = value.cast::<PyInt>() {
        write::value_int(out, plain_int(value)?);
    } else if let Ok(value) = value.cast::<PyFloat>() {
        write::value_double(out, value.value());
    } else if let Ok(value) = value.cast::<PyBytes>() {
        write::value_bytes(out, value.as_bytes());
    } else if value.is_instance(&py.get_type::<PyInt>())? {
        // What only says that it is one: protobuf then asks for the number.
        let number = value.call_method0("__index__")?;
        write::value_int(out, plain_int(number.cast::<PyInt>().map_err(PyErr::from)?)?);
    } else if value.is_instance(&py.get_type::<PyFloat>())? {
        write::value_double(out, value.extract()?);
    } else if is_instance(value, "Sequence")? {
        let depth = deeper(depth, 1)?;
        let array = write::open_array(out);
        for item in value.try_iter()? {
            let item = item?;
            let depth = deeper(depth, 1)?;
            let element = write::open_element(out);
            any_value(out, &item, depth)?;
            out.close(element);
        }
        out.close(array);
    } else if is_instance(value, "Mapping")? {
        let depth = deeper(depth, 1)?;
        let map = write::open_map(out);
        for entry in value.call_method0("items")?.try_iter()? {
            let (key, value) = pair(&entry?)?;
            let depth = deeper(depth, 2)?;
            attribute(out, write::VALUES, key.str()?.as_any(), &value, depth)?;
        }
        out.close(map);
    } else {
        return Err(refused(
            Drop::Type,
            format!("OTLP has no type for {}", type_name(value)),
        ));
    }
    Ok(())
}

/// The two items of a mapping's entry, which may be any iterable.
fn pair<'py>(entry: &Bound<'py, PyAny>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let mut items = entry.try_iter()?;
    if let (Some(key), Some(value), None) = (items.next(), items.next(), items.next()) {
        return Ok((key?, value?));
    }
    Err(PyValueError::new_err("an entry of a mapping is no pair"))
}

/// `isinstance(value, collections.abc.NAME)`, which may run Python code and raise.
fn is_instance(value: &Bound<'_, PyAny>, name: &'static str) -> PyResult<bool> {
    static ABC: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let py = value.py();
    let abc = ABC.get_or_try_init(py, || py.import("collections.abc").map(Bound::unbind))?;
    value.is_instance(&abc.bind(py).getattr(name)?)
}

fn plain_int(int: &Bound<'_, PyInt>) -> Result<i64, Refused> {
    plain_i64(int).ok_or_else(|| refused(Drop::IntegerRange, "integer beyond 64 bits"))
}

fn deeper(depth: u32, by: u32) -> Result<u32, Refused> {
    depth
        .checked_sub(by)
        .ok_or_else(|| refused(Drop::Depth, "nested too deeply"))
}
