//! Received log records, metrics and profiles: each owns a piece of its request, read by the schema when it is asked.

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString};
use spanwire_wire::envelope;
use spanwire_wire::schema::{Field, Kind, Label, Members, MessageView, Type};
use spanwire_wire::{DecodeError, Signal};

use crate::errors::decode_error;
use crate::sink_value::{attributes, value};

/// Adds the class to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<ReceivedItem>()
}

/// The bytes of an item and of the messages around it; `spanwire.sink` has a view for each signal on top.
#[pyclass(module = "spanwire._native", frozen)]
pub struct ReceivedItem {
    signal: Signal,
    item: Bytes,
    scope: Bytes,
    resource: Bytes,
}

#[pymethods]
impl ReceivedItem {
    /// All fields by their names in the .proto files; what is absent has its default, None in a `oneof`.
    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        decode(py, MessageView::new(self.signal.item(), &self.item), &[])
    }

    /// The resource with its schema URL, without its scopes.
    fn resource<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let group = MessageView::new(self.signal.resource_group(), &self.resource);
        decode(py, group, &[Signal::SCOPES])
    }

    /// The scope with its schema URL, without its items.
    fn scope<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let group = MessageView::new(self.signal.scope_group(), &self.scope);
        decode(py, group, &[Signal::ITEMS])
    }

    /// The item as it was on the wire.
    #[getter]
    fn serialized<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.item)
    }
}

/// Appends the items of a request that weigh at most `count` together.
pub fn append_items(
    signal: Signal,
    body: &Bytes,
    count: u64,
    items: &mut Vec<ReceivedItem>,
) -> Result<(), DecodeError> {
    let mut left = count;
    for placed in envelope::items(signal, body) {
        let placed = placed?;
        let item = body.slice_ref(placed.item.bytes());
        let weight = signal.weigh(&item) as u64;
        if weight > left {
            return Ok(());
        }
        left -= weight;
        items.push(ReceivedItem {
            signal,
            item,
            scope: body.slice_ref(placed.scope_group.bytes()),
            resource: body.slice_ref(placed.resource_group.bytes()),
        });
    }
    Ok(())
}

/// A message as a dict. Recursion is bounded by the schema, and in values by the readers' depth limit.
fn decode<'py>(py: Python<'py>, view: MessageView<'_>, without: &[u32]) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    let members = view.members().map_err(decode_error)?;
    let declared = view.of().fields().iter();
    for field in declared.filter(|field| !without.contains(&field.number)) {
        dict.set_item(field.name.to_ascii_lowercase(), member(py, &members, field)?)?;
    }
    Ok(dict)
}

/// What a field holds.
fn member<'py>(py: Python<'py>, members: &Members<'_>, field: &Field) -> PyResult<Bound<'py, PyAny>> {
    Ok(match (field.label, field.kind) {
        (Label::Many, kind) => many(py, members, field, kind)?,
        (Label::Optional | Label::OneOf, _) | (_, Kind::Message(_)) if !members.has(field) => py.None().into_bound(py),
        (_, Kind::Message(Type::AnyValue)) => value(py, members.value(field))?,
        (_, Kind::Message(of)) => decode(py, members.message(field, of), &[])?.into_any(),
        (_, Kind::Utf8) => PyString::new(py, members.bytes(field).utf8().map_err(decode_error)?).into_any(),
        (_, Kind::Bytes) => PyBytes::new(py, members.bytes(field).bytes()).into_any(),
        (_, Kind::TraceId | Kind::SpanId) if members.bytes(field).bytes().is_empty() => {
            PyString::new(py, "").into_any()
        }
        (_, Kind::TraceId) => {
            let id = members.bytes(field).trace_id().map_err(decode_error)?;
            PyString::new(py, &id.to_string()).into_any()
        }
        (_, Kind::SpanId) => {
            let id = members.bytes(field).span_id().map_err(decode_error)?;
            PyString::new(py, &id.to_string()).into_any()
        }
        (_, kind) => number(py, kind, members.number(field)),
    })
}

/// What a repeated field holds: attributes as a dict, all else as a list.
fn many<'py>(py: Python<'py>, members: &Members<'_>, field: &Field, kind: Kind) -> PyResult<Bound<'py, PyAny>> {
    if kind == Kind::Message(Type::KeyValue) {
        return Ok(attributes(py, members.key_values(field))?.into_any());
    }
    let list = PyList::empty(py);
    match kind {
        Kind::Message(of) => {
            for view in members.messages(field, of) {
                list.append(decode(py, view.map_err(decode_error)?, &[])?)?;
            }
        }
        Kind::Utf8 => {
            for text in members.texts(field) {
                list.append(text.map_err(decode_error)?)?;
            }
        }
        kind => {
            for value in members.numbers(field) {
                list.append(number(py, kind, value.map_err(decode_error)?))?;
            }
        }
    }
    Ok(list.into_any())
}

fn number(py: Python<'_>, kind: Kind, value: u64) -> Bound<'_, PyAny> {
    #[allow(clippy::cast_possible_truncation)] // as protobuf reads 32-bit numbers from longer varints
    let low = value as u32;
    match kind {
        Kind::Bool => PyBool::new(py, value != 0).to_owned().into_any(),
        Kind::Double => PyFloat::new(py, f64::from_bits(value)).into_any(),
        Kind::Fixed32 | Kind::Uint32 => PyInt::new(py, low).into_any(),
        Kind::Int32 | Kind::Enum => PyInt::new(py, low.cast_signed()).into_any(),
        Kind::Sint32 => PyInt::new(py, (low >> 1).cast_signed() ^ -(low & 1).cast_signed()).into_any(),
        Kind::Int64 | Kind::Sfixed64 => PyInt::new(py, value.cast_signed()).into_any(),
        _ => PyInt::new(py, value).into_any(),
    }
}
