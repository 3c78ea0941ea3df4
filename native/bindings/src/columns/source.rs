//! Columns as Python lays them out (`spanwire.columnar._encode`), read into the encoder's types.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use spanwire_columns::Shared;
use spanwire_columns::encode::source::{Attributes, Column, Events, Floats, Ints, Links, Ragged, Spans, Texts, Values};

use crate::ffi::arrays::{Arrays, Held};

/// Reads a description: dicts by the names of fields, tuples for columns.
pub struct Reader<'a> {
    arrays: &'a Arrays,
}

type Any<'o, 'py> = &'o Bound<'py, PyAny>;

impl<'a> Reader<'a> {
    /// Holds what a description names, and reads it: the spans, and which group each is of.
    pub fn read(columns: Any<'_, '_>) -> PyResult<Held> {
        Held::read(|arrays| Reader { arrays }.columns(columns))
    }

    fn columns(&self, columns: Any<'_, '_>) -> PyResult<(Spans<'a>, Option<Ints<'a>>)> {
        let fields = columns.cast::<PyDict>()?;
        let bytes = |name: &str| self.arrays.hold::<u8>(&required(fields, name)?, name);
        let spans = Spans {
            rows: required(fields, "rows")?.extract()?,
            trace_id: bytes("trace_id")?,
            span_id: bytes("span_id")?,
            parent_span_id: optional(fields, "parent_span_id")?
                .map(|ids| self.arrays.hold(&ids, "parent_span_id"))
                .transpose()?,
            trace_state: self.optional_column(fields, "trace_state")?,
            name: self.column(&required(fields, "name")?)?,
            kind: self.counts(fields, "kind")?,
            start: self.arrays.hold(&required(fields, "start")?, "start")?,
            end: self.arrays.hold(&required(fields, "end")?, "end")?,
            attributes: self.attributes(fields)?,
            events: optional(fields, "events")?
                .map(|events| self.events(events.cast::<PyDict>()?))
                .transpose()?,
            dropped_events: self.counts(fields, "dropped_events_count")?,
            links: optional(fields, "links")?
                .map(|links| self.links(links.cast::<PyDict>()?))
                .transpose()?,
            dropped_links: self.counts(fields, "dropped_links_count")?,
            status_code: self.counts(fields, "status_code")?,
            status_message: self.optional_column(fields, "status_message")?,
            flags: self.counts(fields, "flags")?,
        };
        let group = self.counts(fields, "group")?.map(|(_, codes)| codes);
        Ok((spans, group))
    }

    fn attributes(&self, fields: &Bound<'_, PyDict>) -> PyResult<Attributes<'a>> {
        let mut columns = Vec::new();
        for entry in required(fields, "attributes")?.try_iter()? {
            let (key, column): (String, Bound<'_, PyAny>) = entry?.extract()?;
            columns.push((key, self.column(&column)?));
        }
        let ragged = optional(fields, "ragged_attributes")?
            .map(|ragged| self.ragged(&ragged))
            .transpose()?;
        Ok(Attributes {
            columns,
            ragged,
            dropped: self.counts(fields, "dropped_attributes_count")?,
        })
    }

    fn ragged(&self, ragged: Any<'_, '_>) -> PyResult<Ragged<'a>> {
        let (offsets, keys, values) = three(ragged)?;
        Ok(Ragged {
            offsets: Ints::I64(self.arrays.hold(&offsets, "offsets of ragged attributes")?),
            keys: self.column(&keys)?,
            values: self.column(&values)?,
        })
    }

    fn events(&self, fields: &Bound<'_, PyDict>) -> PyResult<Events<'a>> {
        Ok(Events {
            offsets: Ints::I64(self.arrays.hold(&required(fields, "offsets")?, "offsets of events")?),
            time: self.arrays.hold(&required(fields, "time")?, "time of events")?,
            name: self.column(&required(fields, "name")?)?,
            attributes: self.attributes(fields)?,
        })
    }

    fn links(&self, fields: &Bound<'_, PyDict>) -> PyResult<Links<'a>> {
        Ok(Links {
            offsets: Ints::I64(self.arrays.hold(&required(fields, "offsets")?, "offsets of links")?),
            trace_id: self.arrays.hold(&required(fields, "trace_id")?, "trace_id of links")?,
            span_id: self.arrays.hold(&required(fields, "span_id")?, "span_id of links")?,
            trace_state: self.optional_column(fields, "trace_state")?,
            attributes: self.attributes(fields)?,
            flags: self.counts(fields, "flags")?,
        })
    }

    fn optional_column(&self, fields: &Bound<'_, PyDict>, name: &str) -> PyResult<Option<Column<'a>>> {
        optional(fields, name)?.map(|column| self.column(&column)).transpose()
    }

    /// Numbers that a field of 32 bits or a code holds.
    fn counts(&self, fields: &Bound<'_, PyDict>, name: &str) -> PyResult<Option<(String, Ints<'a>)>> {
        optional(fields, name)?
            .map(|counts| {
                let (name, kind, memory): (String, String, Bound<'_, PyAny>) = counts.extract()?;
                let ints = self.ints(&kind, &memory, &name)?;
                Ok((name, ints))
            })
            .transpose()
    }

    /// `(name, values, mask)`
    fn column(&self, column: Any<'_, '_>) -> PyResult<Column<'a>> {
        let (name, values, mask) = three(column)?;
        let name: String = name.extract()?;
        let values = self.values(&values, &name)?;
        let mask = (!mask.is_none()).then(|| self.arrays.hold(&mask, &name)).transpose()?;
        Ok(Column { name, values, mask })
    }

    /// `(type, …)`
    fn values(&self, values: Any<'_, '_>, name: &str) -> PyResult<Values<'a>> {
        let parts = values.cast::<PyTuple>()?;
        let (kind, rest) = (parts.get_item(0)?, parts.get_item(1)?);
        Ok(match kind.cast::<PyString>()?.to_str()? {
            "str" => Values::Str(self.texts(&rest, name)?),
            "bytes" => Values::Bytes(self.texts(&rest, name)?),
            "any" => Values::Any(self.texts(&rest, name)?),
            "bool" => Values::Bool(self.arrays.hold(&rest, name)?),
            "f4" => Values::Double(Floats::F32(self.arrays.hold(&rest, name)?)),
            "f8" => Values::Double(Floats::F64(self.arrays.hold(&rest, name)?)),
            "dictionary" => {
                let (codes, memory): (String, Bound<'_, PyAny>) = rest.extract()?;
                let codes = self.ints(&codes, &memory, name)?;
                let different = self.values(&parts.get_item(2)?, name)?;
                Values::Dictionary(codes, Box::new(different))
            }
            ints => Values::Int(self.ints(ints, &rest, name)?),
        })
    }

    /// `(layout, …)`
    fn texts(&self, texts: Any<'_, '_>, name: &str) -> PyResult<Texts<'a>> {
        let parts = texts.cast::<PyTuple>()?;
        let part = |index| parts.get_item(index);
        let width = |index| -> PyResult<usize> {
            let width = parts.get_item(index)?.extract()?;
            if width == 0 {
                return Err(PyValueError::new_err(format!("{name}: values have no bytes")));
            }
            Ok(width)
        };
        Ok(match part(0)?.cast::<PyString>()?.to_str()? {
            "fixed" => Texts::Fixed {
                data: self.arrays.hold(&part(1)?, name)?,
                width: width(2)?,
            },
            "ucs4" => Texts::Ucs4 {
                data: self.arrays.hold(&part(1)?, name)?,
                width: width(2)?,
            },
            "offsets" => Texts::Offsets {
                offsets: self.pair(&part(1)?, name)?,
                data: self.arrays.hold(&part(2)?, name)?,
            },
            "views" => Texts::Views {
                starts: self.pair(&part(1)?, name)?,
                lengths: self.pair(&part(2)?, name)?,
                data: self.arrays.hold(&part(3)?, name)?,
            },
            _ => Texts::Empty(part(1)?.extract()?),
        })
    }

    fn pair(&self, pair: Any<'_, '_>, name: &str) -> PyResult<Ints<'a>> {
        let (kind, memory): (String, Bound<'_, PyAny>) = pair.extract()?;
        self.ints(&kind, &memory, name)
    }

    fn ints(&self, kind: &str, memory: Any<'_, '_>, name: &str) -> PyResult<Ints<'a>> {
        fn hold<'a, T: spanwire_columns::ffi::Plain>(
            arrays: &'a Arrays,
            memory: Any<'_, '_>,
            name: &str,
            wrap: fn(Shared<'a, T>) -> Ints<'a>,
        ) -> PyResult<Ints<'a>> {
            arrays.hold(memory, name).map(wrap)
        }
        let arrays = &self.arrays;
        match kind {
            "i1" => hold(arrays, memory, name, Ints::I8),
            "u1" => hold(arrays, memory, name, Ints::U8),
            "i2" => hold(arrays, memory, name, Ints::I16),
            "u2" => hold(arrays, memory, name, Ints::U16),
            "i4" => hold(arrays, memory, name, Ints::I32),
            "u4" => hold(arrays, memory, name, Ints::U32),
            "i8" => hold(arrays, memory, name, Ints::I64),
            "u8" => hold(arrays, memory, name, Ints::U64),
            _ => Err(PyValueError::new_err(format!("{name}: no integers of type {kind}"))),
        }
    }
}

fn three<'py>(tuple: Any<'_, 'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    tuple.extract()
}

fn required<'py>(fields: &Bound<'py, PyDict>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    fields
        .get_item(name)?
        .ok_or_else(|| PyValueError::new_err(format!("{name} is missing")))
}

fn optional<'py>(fields: &Bound<'py, PyDict>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    Ok(fields.get_item(name)?.filter(|field| !field.is_none()))
}
