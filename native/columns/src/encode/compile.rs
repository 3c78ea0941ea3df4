//! From columns to the list of fields that a message is made of. Lengths are checked here, so that later only values can be wrong.

use spanwire_wire::arena::Region;
use spanwire_wire::tag::{
    self, any_value, event, fixed32_tag, fixed64_tag, len_tag, link, scope_spans, span, varint_tag,
};
use spanwire_wire::write;

use super::cells::{Content, Source, SourceKind};
use super::op::{Head, ItemKind, Items, Op, Scalar, Value};
use super::source::{Attributes, Column, Events, Ints, Links, Ragged, Spans, Values};
use super::table::Table;
use crate::error::EncodeError;

/// Of `Span.flags` and `Link.flags` where no column gives them: the parent is known not to be remote.
const LOCAL: u32 = tag::flags::CONTEXT_HAS_IS_REMOTE;

/// `SPAN_KIND_INTERNAL`
const INTERNAL: u64 = 1;

/// The tag of a span in its scope.
pub(crate) const SPAN: u8 = len_tag(scope_spans::SPANS);

type Fields<'a> = Result<Vec<Op<'a>>, EncodeError>;

/// The fields of spans, in the order of their numbers.
pub(crate) fn spans<'a>(spans: &Spans<'a>) -> Fields<'a> {
    let rows = spans.rows;
    check("trace_id", spans.trace_id.len(), rows, 16)?;
    check("span_id", spans.span_id.len(), rows, 8)?;
    check("start", spans.start.len(), rows, 1)?;
    check("end", spans.end.len(), rows, 1)?;
    let mut fields = vec![Op::Ids {
        tags: [len_tag(span::TRACE_ID), len_tag(span::SPAN_ID)],
        trace: spans.trace_id,
        span: spans.span_id,
    }];
    if let Some(state) = &spans.trace_state {
        fields.push(text(state.clone(), len_tag(span::TRACE_STATE), rows)?);
    }
    if let Some(ids) = spans.parent_span_id {
        check("parent_span_id", ids.len(), rows, 8)?;
        fields.push(Op::Id8 {
            tag: len_tag(span::PARENT_SPAN_ID),
            ids,
        });
    }
    fields.push(text(spans.name.clone(), len_tag(span::NAME), rows)?);
    fields.push(match &spans.kind {
        None => constant(|out| write::varint_field(out, varint_tag(span::KIND), INTERNAL)),
        Some(kind) => varint(kind, varint_tag(span::KIND), rows)?,
    });
    for (number, values) in [
        (span::START_TIME_UNIX_NANO, spans.start),
        (span::END_TIME_UNIX_NANO, spans.end),
    ] {
        fields.push(Op::Fixed64 {
            tag: fixed64_tag(number),
            values,
        });
    }
    attributes(
        &spans.attributes,
        [span::ATTRIBUTES, span::DROPPED_ATTRIBUTES_COUNT],
        rows,
        &mut fields,
    )?;
    if let Some(events) = &spans.events {
        fields.push(self::events(events, rows)?);
    }
    if let Some(dropped) = &spans.dropped_events {
        fields.push(varint(dropped, varint_tag(span::DROPPED_EVENTS_COUNT), rows)?);
    }
    if let Some(links) = &spans.links {
        fields.push(self::links(links, rows)?);
    }
    if let Some(dropped) = &spans.dropped_links {
        fields.push(varint(dropped, varint_tag(span::DROPPED_LINKS_COUNT), rows)?);
    }
    fields.push(status(spans, rows)?);
    fields.push(flags(spans.flags.as_ref(), fixed32_tag(span::FLAGS), rows)?);
    Ok(together(fields))
}

/// Neighbouring constants as one.
fn together(fields: Vec<Op<'_>>) -> Vec<Op<'_>> {
    let mut joined: Vec<Op<'_>> = Vec::with_capacity(fields.len());
    for field in fields {
        match (joined.last_mut(), field) {
            (Some(Op::Constant(before)), Op::Constant(after)) => before.extend_from_slice(&after),
            (_, field) => joined.push(field),
        }
    }
    joined
}

fn status<'a>(spans: &Spans<'a>, rows: usize) -> Result<Op<'a>, EncodeError> {
    let tag = len_tag(span::STATUS);
    if spans.status_code.is_none() && spans.status_message.is_none() {
        return Ok(Op::Constant(vec![tag, 0]));
    }
    let message = match &spans.status_message {
        None => None,
        Some(column) => {
            check_column(column, rows)?;
            Some(plain_text(column.clone())?)
        }
    };
    if let Some((name, code)) = &spans.status_code {
        check(name, code.len(), rows, 1)?;
    }
    Ok(Op::Status {
        tag,
        code: spans.status_code.clone(),
        message,
    })
}

fn events<'a>(events: &Events<'a>, rows: usize) -> Result<Op<'a>, EncodeError> {
    let count = events.time.len();
    check("offsets of events", events.offsets.len(), rows + 1, 1)?;
    let mut fields = vec![
        Op::Fixed64 {
            tag: fixed64_tag(event::TIME_UNIX_NANO),
            values: events.time,
        },
        text(events.name.clone(), len_tag(event::NAME), count)?,
    ];
    let tags = [event::ATTRIBUTES, event::DROPPED_ATTRIBUTES_COUNT];
    attributes(&events.attributes, tags, count, &mut fields)?;
    Ok(Op::Items(Items {
        name: "offsets of events".to_owned(),
        offsets: events.offsets,
        count,
        kind: ItemKind::Messages {
            tag: len_tag(span::EVENTS),
            fields,
        },
    }))
}

fn links<'a>(links: &Links<'a>, rows: usize) -> Result<Op<'a>, EncodeError> {
    let count = links.trace_id.len() / 16;
    check("offsets of links", links.offsets.len(), rows + 1, 1)?;
    check("trace_id of links", links.trace_id.len(), count, 16)?;
    check("span_id of links", links.span_id.len(), count, 8)?;
    let mut fields = vec![Op::Ids {
        tags: [len_tag(link::TRACE_ID), len_tag(link::SPAN_ID)],
        trace: links.trace_id,
        span: links.span_id,
    }];
    if let Some(state) = &links.trace_state {
        fields.push(text(state.clone(), len_tag(link::TRACE_STATE), count)?);
    }
    let tags = [link::ATTRIBUTES, link::DROPPED_ATTRIBUTES_COUNT];
    attributes(&links.attributes, tags, count, &mut fields)?;
    fields.push(flags(links.flags.as_ref(), fixed32_tag(link::FLAGS), count)?);
    Ok(Op::Items(Items {
        name: "offsets of links".to_owned(),
        offsets: links.offsets,
        count,
        kind: ItemKind::Messages {
            tag: len_tag(span::LINKS),
            fields,
        },
    }))
}

fn attributes<'a>(
    attributes: &Attributes<'a>,
    [number, dropped_number]: [u32; 2],
    rows: usize,
    fields: &mut Vec<Op<'a>>,
) -> Result<(), EncodeError> {
    for (key, column) in &attributes.columns {
        check_column(column, rows)?;
        fields.push(attribute(key, column.clone(), len_tag(number))?);
    }
    if let Some(ragged) = &attributes.ragged {
        fields.push(self::ragged(ragged, len_tag(number), rows)?);
    }
    if let Some(dropped) = &attributes.dropped {
        fields.push(varint(dropped, varint_tag(dropped_number), rows)?);
    }
    Ok(())
}

fn ragged<'a>(ragged: &Ragged<'a>, tag: u8, rows: usize) -> Result<Op<'a>, EncodeError> {
    let count = ragged.values.values.len();
    check("offsets of ragged attributes", ragged.offsets.len(), rows + 1, 1)?;
    check_column(&ragged.keys, count)?;
    check_column(&ragged.values, count)?;
    let (value_tag, value) = value(ragged.values.clone())?;
    Ok(Op::Items(Items {
        name: "offsets of ragged attributes".to_owned(),
        offsets: ragged.offsets,
        count,
        kind: ItemKind::Attributes {
            tag,
            keys: plain_text(ragged.keys.clone())?,
            value_tag,
            value: Box::new(value),
        },
    }))
}

/// A column of attributes. Where values are few different ones, whole attributes are made beforehand.
fn attribute<'a>(key: &str, column: Column<'a>, tag: u8) -> Result<Op<'a>, EncodeError> {
    let (name, mask) = (column.name, column.mask);
    let kind = match column.values {
        Values::Dictionary(codes, values) => {
            let values = Column {
                name: format!("{name}, different values"),
                values: *values,
                mask: None,
            };
            let (count, field) = (values.values.len(), attribute(key, values, tag)?);
            let table = made(count, |row, out, scratch| field.append(row, out, scratch))?;
            SourceKind::Table { codes, table }
        }
        Values::Bool(truths) => SourceKind::Two {
            truths,
            table: made(2, |truth, out, _| {
                write::attribute_bool(out, tag, key.as_bytes(), truth == 1);
                Ok(())
            })?,
        },
        values => {
            let (value_tag, value) = value(Column { name, values, mask })?;
            return Ok(Op::Attribute {
                head: Head::new(tag, key.as_bytes(), value_tag),
                value,
            });
        }
    };
    Ok(Op::Made(Source { name, mask, kind }))
}

/// Contents of `AnyValue`s, and the tag that stands in front of each, or 0.
fn value(column: Column<'_>) -> Result<(u8, Value<'_>), EncodeError> {
    let Column { name, mask, values } = column;
    let texts = |texts, content| SourceKind::Texts { texts, content };
    let bytes = |tag, scalar, kind, name, mask| {
        let source = Source { name, mask, kind };
        (tag, Value::Bytes { scalar, source })
    };
    let (string, binary) = (len_tag(any_value::STRING_VALUE), len_tag(any_value::BYTES_VALUE));
    Ok(match values {
        Values::Str(values) => bytes(string, Scalar::Tagged, texts(values, Content::Text), name, mask),
        Values::Bytes(values) => bytes(binary, Scalar::Tagged, texts(values, Content::Bytes), name, mask),
        Values::Any(values) => bytes(0, Scalar::Message, texts(values, Content::AnyValue), name, mask),
        Values::Int(values) => (varint_tag(any_value::INT_VALUE), Value::Int { name, mask, values }),
        Values::Double(values) => (fixed64_tag(any_value::DOUBLE_VALUE), Value::Double { mask, values }),
        Values::Bool(truths) => {
            let table = made(2, |truth, out, _| {
                write::value_bool(out, truth == 1);
                Ok(())
            })?;
            bytes(0, Scalar::Message, SourceKind::Two { truths, table }, name, mask)
        }
        Values::Dictionary(codes, values) => {
            let values = Column {
                name: format!("{name}, different values"),
                values: *values,
                mask: None,
            };
            let (count, (tag, value)) = (values.values.len(), value(values)?);
            let table = made(count, |row, out, scratch| {
                value.append(tag, row, out, scratch).map(drop)
            })?;
            bytes(0, Scalar::Message, SourceKind::Table { codes, table }, name, mask)
        }
    })
}

/// A string field.
fn text(column: Column<'_>, tag: u8, rows: usize) -> Result<Op<'_>, EncodeError> {
    check_column(&column, rows)?;
    let Source { name, mask, kind } = plain_text(column)?;
    let SourceKind::Table { codes, table } = kind else {
        let source = Source { name, mask, kind };
        return Ok(Op::Text { tag, source });
    };
    let table = made(table.len(), |row, out, _| {
        write::bytes_field(out, tag, table.entry(row));
        Ok(())
    })?;
    let kind = SourceKind::Table { codes, table };
    Ok(Op::Made(Source { name, mask, kind }))
}

/// Text as it is, without tag and length.
fn plain_text(column: Column<'_>) -> Result<Source<'_>, EncodeError> {
    let Column { name, mask, values } = column;
    let kind = match values {
        Values::Str(texts) => SourceKind::Texts {
            texts,
            content: Content::Text,
        },
        Values::Dictionary(codes, values) => {
            let different = Column {
                name: format!("{name}, different values"),
                values: *values,
                mask: None,
            };
            let count = different.values.len();
            let different = plain_text(different)?;
            let table = made(count, |row, out, scratch| {
                if let Some(text) = different.get(row, scratch)? {
                    out.raw(text);
                }
                Ok(())
            })?;
            SourceKind::Table { codes, table }
        }
        _ => return Err(EncodeError::column(&name, "text is needed")),
    };
    Ok(Source { name, mask, kind })
}

/// So many byte strings, each as `write` appends it.
fn made(
    count: usize,
    mut write: impl FnMut(usize, &mut Region, &mut Vec<u8>) -> Result<(), EncodeError>,
) -> Result<Table, EncodeError> {
    let (mut table, mut scratch) = (Table::default(), Vec::new());
    for index in 0..count {
        table.add(|bytes| {
            let mut out = Region::from(std::mem::take(bytes));
            let written = write(index, &mut out, &mut scratch);
            *bytes = out.into_vec();
            written
        })?;
    }
    Ok(table)
}

fn varint<'a>((name, values): &(String, Ints<'a>), tag: u8, rows: usize) -> Result<Op<'a>, EncodeError> {
    check(name, values.len(), rows, 1)?;
    Ok(Op::Varint {
        tag,
        name: name.clone(),
        values: *values,
    })
}

fn flags<'a>(flags: Option<&(String, Ints<'a>)>, tag: u16, rows: usize) -> Result<Op<'a>, EncodeError> {
    let Some((name, values)) = flags else {
        return Ok(constant(|out| out.fixed32_field(tag, LOCAL)));
    };
    check(name, values.len(), rows, 1)?;
    Ok(Op::Fixed32 {
        tag,
        name: name.clone(),
        values: *values,
    })
}

fn constant<'a>(write: impl FnOnce(&mut Region)) -> Op<'a> {
    let mut out = Region::new();
    write(&mut out);
    Op::Constant(out.into_vec())
}

fn check_column(column: &Column<'_>, rows: usize) -> Result<(), EncodeError> {
    check(&column.name, column.values.len(), rows, 1)?;
    column.mask.map_or(Ok(()), |mask| {
        check(&format!("mask of {}", column.name), mask.len(), rows, 1)
    })
}

fn check(name: &str, len: usize, rows: usize, width: usize) -> Result<(), EncodeError> {
    if Some(len) == rows.checked_mul(width) {
        return Ok(());
    }
    let have = len / width.max(1);
    Err(EncodeError::column(
        name,
        format!("it has {have} values, and {rows} are needed"),
    ))
}
