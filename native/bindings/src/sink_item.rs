//! Received log records, metrics and profiles: each owns a piece of its request, read by the schema when it is asked.

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString};
use spanwire_wire::read::{Field as WireField, Message};
use spanwire_wire::schema::{Field, Kind, Label, Type};
use spanwire_wire::{DecodeError, Signal, Value};

use crate::errors::decode_error;
use crate::sink_value::value;

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
        decode(py, self.signal.item(), &self.item, &[])
    }

    /// The resource with its schema URL, without its scopes.
    fn resource<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        decode(py, self.signal.resource_group(), &self.resource, &[Signal::SCOPES])
    }

    /// The scope with its schema URL, without its items.
    fn scope<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        decode(py, self.signal.scope_group(), &self.scope, &[Signal::ITEMS])
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
    for resource in Message::new(body).fields() {
        let resource = resource?;
        if resource.number() != Signal::RESOURCES {
            continue;
        }
        for scope in resource.message().fields() {
            let scope = scope?;
            if scope.number() != Signal::SCOPES {
                continue;
            }
            for item in scope.message().fields() {
                let item = item?;
                if item.number() != Signal::ITEMS {
                    continue;
                }
                let message = body.slice_ref(item.message().bytes());
                let weight = signal.weigh(&message) as u64;
                if weight > left {
                    return Ok(());
                }
                left -= weight;
                items.push(ReceivedItem {
                    signal,
                    item: message,
                    scope: body.slice_ref(scope.message().bytes()),
                    resource: body.slice_ref(resource.message().bytes()),
                });
            }
        }
    }
    Ok(())
}

/// A message as a dict. Recursion is bounded by the schema, and in values by the readers' depth limit.
fn decode<'py>(py: Python<'py>, of: Type, bytes: &[u8], without: &[u32]) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    let declared = || of.fields().iter().filter(|field| !without.contains(&field.number));
    for field in declared() {
        dict.set_item(name(field), default(py, field)?)?;
    }
    // A message that stands several times is merged, and merging is to put bytes one behind the other.
    let mut messages: Vec<(&Field, Vec<u8>)> = Vec::new();
    let mut member: Option<&Field> = None;
    for field in Message::new(bytes).fields() {
        let field = field.map_err(decode_error)?;
        let Some(declared) = declared().find(|declared| declared.number == field.number()) else {
            continue;
        };
        if declared.label == Label::OneOf && member.is_none_or(|member| member.number != declared.number) {
            if let Some(before) = member {
                dict.set_item(name(before), py.None())?;
                messages.retain(|(of, _)| of.number != before.number);
            }
            member = Some(declared);
        }
        match (declared.label, declared.kind) {
            (Label::Many, _) => append(py, &dict, declared, &field)?,
            (_, Kind::Message(_)) => match messages.iter_mut().find(|(of, _)| of.number == declared.number) {
                Some((_, bytes)) => bytes.extend_from_slice(field.message().bytes()),
                None => messages.push((declared, field.message().bytes().to_vec())),
            },
            (_, kind) => dict.set_item(name(declared), scalar(py, kind, &field)?)?,
        }
    }
    for (field, bytes) in messages {
        if let Kind::Message(inner) = field.kind {
            dict.set_item(name(field), message(py, inner, &bytes)?)?;
        }
    }
    Ok(dict)
}

fn name(field: &Field) -> String {
    field.name.to_ascii_lowercase()
}

fn is_map(kind: Kind) -> bool {
    kind == Kind::Message(Type::KeyValue)
}

fn default<'py>(py: Python<'py>, field: &Field) -> PyResult<Bound<'py, PyAny>> {
    Ok(match (field.label, field.kind) {
        (Label::Many, kind) if is_map(kind) => PyDict::new(py).into_any(),
        (Label::Many, _) => PyList::empty(py).into_any(),
        (Label::Optional | Label::OneOf, _) | (_, Kind::Message(_)) => py.None().into_bound(py),
        (_, Kind::Utf8 | Kind::TraceId | Kind::SpanId) => PyString::new(py, "").into_any(),
        (_, Kind::Bytes) => PyBytes::new(py, b"").into_any(),
        (_, Kind::Bool) => PyBool::new(py, false).to_owned().into_any(),
        (_, Kind::Double) => PyFloat::new(py, 0.0).into_any(),
        _ => 0_i64.into_pyobject(py)?.into_any(),
    })
}

/// One more of a repeated field.
fn append(py: Python<'_>, dict: &Bound<'_, PyDict>, declared: &Field, field: &WireField<'_>) -> PyResult<()> {
    let Some(held) = dict.get_item(name(declared))? else {
        return Ok(());
    };
    if let Ok(map) = held.cast::<PyDict>() {
        let entry = decode(py, Type::KeyValue, field.message().bytes(), &[])?;
        if let (Some(key), Some(value)) = (entry.get_item("key")?, entry.get_item("value")?) {
            map.set_item(key, value)?;
        }
        return Ok(());
    }
    let list = held.cast::<PyList>()?;
    if !declared.is_packed() {
        return list.append(match declared.kind {
            Kind::Message(inner) => message(py, inner, field.message().bytes())?,
            kind => scalar(py, kind, field)?,
        });
    }
    if field.wire_type() != declared.wire_type() {
        return list.append(number(py, declared.kind, field.value()));
    }
    for value in field.message().numbers(declared.kind.wire_type()) {
        list.append(number(py, declared.kind, value.map_err(decode_error)?))?;
    }
    Ok(())
}

fn message<'py>(py: Python<'py>, of: Type, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    if of == Type::AnyValue {
        return value(py, Value::new(bytes));
    }
    Ok(decode(py, of, bytes, &[])?.into_any())
}

fn scalar<'py>(py: Python<'py>, kind: Kind, field: &WireField<'_>) -> PyResult<Bound<'py, PyAny>> {
    let message = field.message();
    Ok(match kind {
        Kind::Utf8 => PyString::new(py, message.utf8().map_err(decode_error)?).into_any(),
        Kind::Bytes => PyBytes::new(py, message.bytes()).into_any(),
        Kind::TraceId | Kind::SpanId if message.bytes().is_empty() => PyString::new(py, "").into_any(),
        Kind::TraceId => PyString::new(py, &message.trace_id().map_err(decode_error)?.to_string()).into_any(),
        Kind::SpanId => PyString::new(py, &message.span_id().map_err(decode_error)?.to_string()).into_any(),
        kind => number(py, kind, field.value()),
    })
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
