//! Requests to columns, for `spanwire.columnar._decode`, which makes arrays of the buffers.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};
use spanwire_columns::decode::{
    self, AttributeColumn, AttributeTable, DecodeError, Decoded, Events, GroupHead, Links, Values, View, Views,
};
use spanwire_wire::tag::{self, len_tag};
use spanwire_wire::write::Header;

use crate::errors::decode_error;
use crate::ffi::buffer::NativeBuffer;

/// The columns of a request as a dict of buffers, by the names of `SpanColumns`. Strings are pairs of starts (int64) and lengths
/// (int32) in `data` with what is under "extra" behind it. Runs without the GIL.
#[pyfunction]
pub fn decode_columns<'py>(py: Python<'py>, data: Bound<'py, PyBytes>) -> PyResult<Bound<'py, PyDict>> {
    let data = PyBackedBytes::from(data);
    let decoded = py.detach(|| decode::decode(&data)).map_err(|error| match error {
        DecodeError::Malformed(error) => decode_error(error),
        error @ DecodeError::TooLong { .. } => PyValueError::new_err(error.to_string()),
    })?;
    Columns {
        py,
        data: &data,
        extra: PyBytes::new(py, &decoded.extra),
    }
    .spans(decoded)
}

/// Where a resource and its schema URL stand, and both as Python's.
type KnownResource<'py> = ((Option<View>, View), Bound<'py, PyBytes>, Bound<'py, PyBytes>);

/// What turns columns into Python objects.
struct Columns<'py, 'a> {
    py: Python<'py>,
    data: &'a [u8],
    extra: Bound<'py, PyBytes>,
}

impl<'py> Columns<'py, '_> {
    fn spans(&self, decoded: Decoded) -> PyResult<Bound<'py, PyDict>> {
        let columns = PyDict::new(self.py);
        let set = |name: &str, value: Option<Bound<'py, PyAny>>| columns.set_item(name, value);
        set("trace_id", Some(self.buffer(decoded.trace_id.into_flattened())?))?;
        set("span_id", Some(self.buffer(decoded.span_id.into_flattened())?))?;
        let parents = decoded.parent_span_id.map(Vec::into_flattened);
        set("parent_span_id", parents.map(|ids| self.buffer(ids)).transpose()?)?;
        set("trace_state", self.optional_views(decoded.trace_state)?)?;
        set("name", Some(self.views(decoded.name)?))?;
        set("kind", Some(self.buffer(decoded.kind)?))?;
        set("start", Some(self.buffer(decoded.start)?))?;
        set("end", Some(self.buffer(decoded.end)?))?;
        set("attributes", Some(self.attributes(decoded.attributes)?))?;
        set(
            "dropped_attributes_count",
            self.optional(decoded.dropped_attributes_count)?,
        )?;
        set("events", decoded.events.map(|events| self.events(events)).transpose()?)?;
        set("dropped_events_count", self.optional(decoded.dropped_events_count)?)?;
        set("links", decoded.links.map(|links| self.links(links)).transpose()?)?;
        set("dropped_links_count", self.optional(decoded.dropped_links_count)?)?;
        let codes = decoded.status_code.map(|codes| self.buffer(codes));
        set("status_code", codes.transpose()?)?;
        set("status_message", self.optional_views(decoded.status_message)?)?;
        set("flags", self.optional(decoded.flags)?)?;
        let mut known = None;
        let heads = decoded.groups.iter().map(|head| self.heads(head, &mut known));
        set(
            "groups",
            Some(PyList::new(self.py, heads.collect::<PyResult<Vec<_>>>()?)?.into_any()),
        )?;
        set("group", self.optional(decoded.group)?)?;
        set("extra", Some(self.extra.clone().into_any()))?;
        Ok(columns)
    }

    fn events(&self, events: Events) -> PyResult<Bound<'py, PyAny>> {
        let columns = PyDict::new(self.py);
        columns.set_item("offsets", self.buffer(events.offsets)?)?;
        columns.set_item("time", self.buffer(events.time)?)?;
        columns.set_item("name", self.views(events.name)?)?;
        columns.set_item("attributes", self.attributes(events.attributes)?)?;
        let dropped = self.optional(events.dropped_attributes_count)?;
        columns.set_item("dropped_attributes_count", dropped)?;
        Ok(columns.into_any())
    }

    fn links(&self, links: Links) -> PyResult<Bound<'py, PyAny>> {
        let columns = PyDict::new(self.py);
        columns.set_item("offsets", self.buffer(links.offsets)?)?;
        columns.set_item("trace_id", self.buffer(links.trace_id.into_flattened())?)?;
        columns.set_item("span_id", self.buffer(links.span_id.into_flattened())?)?;
        columns.set_item("trace_state", self.optional_views(links.trace_state)?)?;
        columns.set_item("attributes", self.attributes(links.attributes)?)?;
        let dropped = self.optional(links.dropped_attributes_count)?;
        columns.set_item("dropped_attributes_count", dropped)?;
        columns.set_item("flags", self.optional(links.flags)?)?;
        Ok(columns.into_any())
    }

    /// Columns as (key, type, values, absent), and offsets, keys and values of the ragged ones.
    fn attributes(&self, table: AttributeTable) -> PyResult<Bound<'py, PyAny>> {
        let columns = table.columns.into_iter().map(|column| self.column(column));
        let columns = PyList::new(self.py, columns.collect::<PyResult<Vec<_>>>()?)?;
        let ragged = table.ragged.map(|ragged| {
            let parts = [
                self.buffer(ragged.offsets)?,
                self.views(ragged.keys)?,
                self.views(ragged.values)?,
            ];
            PyTuple::new(self.py, parts)
        });
        Ok((columns, ragged.transpose()?).into_pyobject(self.py)?.into_any())
    }

    fn column(&self, column: AttributeColumn) -> PyResult<Bound<'py, PyAny>> {
        let (kind, values) = match column.values {
            Values::Text(views) => ("text", self.views(views)?),
            Values::Bytes(views) => ("bytes", self.views(views)?),
            Values::Any(views) => ("any", self.views(views)?),
            Values::Int(values) => ("int", self.buffer(values)?),
            Values::Double(values) => ("double", self.buffer(values)?),
            Values::Bool(values) => ("bool", self.buffer(values)?),
        };
        let key = PyString::from_bytes(self.py, self.bytes(column.key))?;
        let absent = column.absent.map(|absent| self.buffer(absent)).transpose()?;
        Ok((key, kind, values, absent).into_pyobject(self.py)?.into_any())
    }

    /// As `encode_heads` gives them. What a resource is in bytes is `known` from the group before, if that is of the same: a large
    /// resource can have very many scopes.
    fn heads(&self, head: &GroupHead, known: &mut Option<KnownResource<'py>>) -> PyResult<Bound<'py, PyAny>> {
        let message = |number, view: Option<View>| match view {
            None => PyBytes::new(self.py, b""),
            Some(view) => {
                let header = Header::new(len_tag(number), view.len);
                PyBytes::new(self.py, &[header.as_slice(), self.bytes(view)].concat())
            }
        };
        let views = (head.resource, head.resource_schema_url);
        let (_, resource, schema_url) = match known {
            Some(known) if known.0 == views => known,
            _ => known.insert((
                views,
                message(tag::resource_spans::RESOURCE, head.resource),
                PyBytes::new(self.py, self.bytes(head.resource_schema_url)),
            )),
        };
        let heads = (
            &*resource,
            &*schema_url,
            message(tag::scope_spans::SCOPE, head.scope),
            PyBytes::new(self.py, self.bytes(head.scope_schema_url)),
        );
        Ok(heads.into_pyobject(self.py)?.into_any())
    }

    fn bytes(&self, view: View) -> &[u8] {
        let bytes = match view.start.checked_sub(self.data.len()) {
            None => self.data.get(view.start..view.start + view.len),
            Some(start) => self.extra.as_bytes().get(start..start + view.len),
        };
        bytes.unwrap_or_default()
    }

    fn buffer(&self, memory: impl Into<NativeBuffer>) -> PyResult<Bound<'py, PyAny>> {
        Ok(Bound::new(self.py, memory.into())?.into_any())
    }

    fn optional(&self, memory: Option<Vec<u32>>) -> PyResult<Option<Bound<'py, PyAny>>> {
        memory.map(|memory| self.buffer(memory)).transpose()
    }

    fn views(&self, views: Views) -> PyResult<Bound<'py, PyAny>> {
        let pair = [self.buffer(views.starts)?, self.buffer(views.lengths)?];
        Ok(PyTuple::new(self.py, pair)?.into_any())
    }

    fn optional_views(&self, views: Option<Views>) -> PyResult<Option<Bound<'py, PyAny>>> {
        views.map(|views| self.views(views)).transpose()
    }
}
