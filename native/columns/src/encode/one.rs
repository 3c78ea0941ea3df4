//! One row after the other: for what has any number of rows a span, and for what is made once.

use spanwire_wire::arena::Region;
use spanwire_wire::write;

use super::cells::{Source, SourceKind};
use super::op::{ANY_VALUE, Op, STATUS_CODE, STATUS_MESSAGE, Scalar, Value, id, status_len};
use super::source::{Ints, Piece};
use crate::error::EncodeError;
use crate::text;

impl Source<'_> {
    /// The bytes of a row, checked; `None` where absent. Code points are put into `scratch`.
    pub fn get<'s>(&'s self, row: usize, scratch: &'s mut Vec<u8>) -> Result<Option<&'s [u8]>, EncodeError> {
        let wrong = |why| self.wrong(u32::try_from(row).unwrap_or(u32::MAX), why);
        if self.mask.is_some_and(|mask| mask.get(row) != 0) {
            return Ok(None);
        }
        match &self.kind {
            SourceKind::Texts { texts, content } => match texts.get(row).map_err(wrong)? {
                Piece::Bytes(bytes) => content.check(bytes).map(|()| Some(bytes)).map_err(wrong),
                Piece::Ucs4(points) => {
                    scratch.clear();
                    text::push_ucs4(points, scratch).map_err(wrong)?;
                    Ok(Some(scratch))
                }
            },
            SourceKind::Table { codes, table } => match usize::try_from(codes.get(row)) {
                Err(_) => Ok(None), // less than 0
                Ok(code) if code < table.len() => Ok(Some(table.entry(code))),
                Ok(code) => {
                    let different = table.len();
                    Err(wrong(format!(
                        "code {code}, but there are {different} different values"
                    )))
                }
            },
            SourceKind::Two { truths, table } => Ok(Some(table.entry((truths.get(row) != 0).into()))),
        }
    }
}

impl Op<'_> {
    /// Appends the field of one row.
    pub fn append(&self, row: usize, out: &mut Region, scratch: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::Constant(bytes) => out.raw(bytes),
            Self::Ids {
                tags: [trace_tag, span_tag],
                trace,
                span,
            } => out.ids(*trace_tag, id(trace, row), *span_tag, id(span, row)),
            Self::Id8 { tag, ids } => {
                let id = id::<8>(ids, row);
                if id != [0; 8] {
                    out.id8(*tag, id);
                }
            }
            Self::Fixed64 { tag, values } => write::fixed64_field(out, *tag, values.get(row)),
            Self::Fixed32 { tag, name, values } => match narrow(values, name, row)? {
                0 => {}
                number => out.fixed32_field(*tag, number),
            },
            Self::Varint { tag, name, values } => {
                write::varint_field(out, *tag, narrow(values, name, row)?.into());
            }
            Self::Text { tag, source } => {
                if let Some(text) = source.get(row, scratch)? {
                    write::bytes_field(out, *tag, text);
                }
            }
            Self::Made(source) => {
                if let Some(field) = source.get(row, scratch)? {
                    out.raw(field);
                }
            }
            Self::Status { tag, code, message } => {
                let code = code.as_ref().map_or(Ok(0), |(name, code)| narrow(code, name, row))?;
                let message = message.as_ref().map_or(Ok(None), |source| source.get(row, scratch))?;
                let message = message.unwrap_or_default();
                let len = u32::try_from(message.len()).unwrap_or(u32::MAX);
                out.varint_field((*tag).into(), status_len(code.into(), len) as u64);
                write::bytes_field(out, STATUS_MESSAGE, message);
                write::varint_field(out, STATUS_CODE, code.into());
            }
            Self::Attribute { head, value } => {
                let start = out.len();
                let message = out.open_short(head.tag);
                out.raw(&head.key);
                let any = out.open_short(ANY_VALUE);
                if value.append(head.value_tag, row, out, scratch)? {
                    out.close(any);
                    out.close(message);
                } else {
                    out.truncate(start);
                }
            }
            Self::Items(items) => items.append(row, out, scratch)?,
        }
        Ok(())
    }
}

impl Value<'_> {
    /// Appends the content of one row's `AnyValue`; `false`, and nothing, where the value is absent.
    pub fn append(&self, tag: u8, row: usize, out: &mut Region, scratch: &mut Vec<u8>) -> Result<bool, EncodeError> {
        match self {
            Self::Bytes { scalar, source } => {
                let Some(value) = source.get(row, scratch)? else {
                    return Ok(false);
                };
                match scalar {
                    Scalar::Message => out.raw(value),
                    Scalar::Tagged => out.bytes_field(tag.into(), value),
                }
            }
            Self::Int { mask, .. } | Self::Double { mask, .. } if mask.is_some_and(|mask| mask.get(row) != 0) => {
                return Ok(false);
            }
            Self::Int { name, values, .. } => {
                let number = values.get(row);
                let number = i64::try_from(number).map_err(|_| EncodeError::no_i64(name, row, number))?;
                out.varint_field(tag.into(), number.cast_unsigned());
            }
            Self::Double { values, .. } => out.fixed64_field(tag.into(), values.get(row).to_bits()),
        }
        Ok(true)
    }
}

fn narrow(values: &Ints<'_>, name: &str, row: usize) -> Result<u32, EncodeError> {
    let number = values.get(row);
    u32::try_from(number).map_err(|_| EncodeError::no_u32(name, row, number))
}
