//! Columns as the owned spans of wire's tests, so that they can be compared.
#![allow(dead_code, reason = "each test program uses its part")]

use spanwire_columns::decode::{AttributeTable, Decoded, GroupHead, RaggedAttributes, Values, View, Views};
use spanwire_wire::Value as LazyValue;
use spanwire_wire::write::Header;

use crate::common::model::{Event, KeyValue, Link, Request, ResourceSpans, ScopeSpans, Span, Status, Value};
use crate::common::read;

/// A span, and the resource and scope that it is of (in which are no spans).
pub type Row = (Span, ResourceSpans);

/// The bytes of a view.
pub fn bytes<'a>(input: &'a [u8], decoded: &'a Decoded, view: View) -> &'a [u8] {
    match view.start.checked_sub(input.len()) {
        Some(start) => &decoded.extra[start..start + view.len],
        None => &input[view.start..view.start + view.len],
    }
}

struct Reader<'a> {
    input: &'a [u8],
    decoded: &'a Decoded,
}

impl Reader<'_> {
    fn bytes(&self, views: &Views, row: usize) -> &[u8] {
        bytes(self.input, self.decoded, views.get(row).unwrap())
    }

    fn text(&self, views: &Views, row: usize) -> String {
        String::from_utf8(self.bytes(views, row).to_vec()).unwrap()
    }

    fn any(&self, views: &Views, row: usize) -> Value {
        read::value(&LazyValue::new(self.bytes(views, row)).unwrap()).unwrap()
    }

    fn attributes(&self, table: &AttributeTable, row: usize) -> Vec<KeyValue> {
        let attribute = |key: &[u8], value| KeyValue {
            key: String::from_utf8(key.to_vec()).unwrap(),
            value: Some(value),
            key_string_index: 0,
        };
        let mut attributes = Vec::new();
        for column in &table.columns {
            if column.absent.as_ref().is_some_and(|absent| absent[row] == 1) {
                continue;
            }
            let value = match &column.values {
                Values::Text(views) => Value::Str(self.text(views, row)),
                Values::Bytes(views) => Value::Bytes(self.bytes(views, row).to_vec()),
                Values::Int(values) => Value::Int(values[row]),
                Values::Double(values) => Value::Double(values[row].to_bits()),
                Values::Bool(values) => Value::Bool(values[row] == 1),
                Values::Any(views) => self.any(views, row),
            };
            attributes.push(attribute(bytes(self.input, self.decoded, column.key), value));
        }
        if let Some(RaggedAttributes { offsets, keys, values }) = &table.ragged {
            for at in offsets[row] as usize..offsets[row + 1] as usize {
                attributes.push(attribute(self.bytes(keys, at), self.any(values, at)));
            }
        }
        attributes
    }

    fn events(&self, row: usize) -> Vec<Event> {
        let Some(events) = &self.decoded.events else {
            return vec![];
        };
        (events.offsets[row] as usize..events.offsets[row + 1] as usize)
            .map(|at| Event {
                time: events.time[at],
                name: self.text(&events.name, at),
                attributes: self.attributes(&events.attributes, at),
                dropped_attributes_count: events.dropped_attributes_count.as_ref().map_or(0, |counts| counts[at]),
            })
            .collect()
    }

    fn links(&self, row: usize) -> Vec<Link> {
        let Some(links) = &self.decoded.links else {
            return vec![];
        };
        (links.offsets[row] as usize..links.offsets[row + 1] as usize)
            .map(|at| Link {
                trace_id: links.trace_id[at],
                span_id: links.span_id[at],
                trace_state: links
                    .trace_state
                    .as_ref()
                    .map_or(String::new(), |views| self.text(views, at)),
                attributes: self.attributes(&links.attributes, at),
                dropped_attributes_count: links.dropped_attributes_count.as_ref().map_or(0, |counts| counts[at]),
                flags: links.flags.as_ref().map_or(0x100, |flags| flags[at]),
            })
            .collect()
    }

    fn span(&self, row: usize) -> Span {
        let of = self.decoded;
        let count = |counts: &Option<Vec<u32>>| counts.as_ref().map_or(0, |counts| counts[row]);
        let text = |views: &Option<Views>| views.as_ref().map_or(String::new(), |views| self.text(views, row));
        Span {
            trace_id: of.trace_id[row],
            span_id: of.span_id[row],
            trace_state: text(&of.trace_state),
            parent_span_id: of.parent_span_id.as_ref().map_or([0; 8], |ids| ids[row]),
            name: self.text(&of.name, row),
            kind: of.kind[row],
            start: of.start[row],
            end: of.end[row],
            attributes: self.attributes(&of.attributes, row),
            dropped_attributes_count: count(&of.dropped_attributes_count),
            events: self.events(row),
            dropped_events_count: count(&of.dropped_events_count),
            links: self.links(row),
            dropped_links_count: count(&of.dropped_links_count),
            status: Some(Status {
                message: text(&of.status_message),
                code: of.status_code.as_ref().map_or(0, |codes| codes[row]),
            }),
            flags: of.flags.as_ref().map_or(0x100, |flags| flags[row]),
        }
    }
}

/// Each row of the columns.
pub fn of(input: &[u8], decoded: &Decoded) -> Vec<Row> {
    let reader = Reader { input, decoded };
    let groups: Vec<_> = decoded.groups.iter().map(|head| group(input, decoded, head)).collect();
    (0..decoded.rows)
        .map(|row| {
            let group = decoded.group.as_ref().map_or(0, |group| group[row] as usize);
            (reader.span(row), groups[group].clone())
        })
        .collect()
}

fn group(input: &[u8], decoded: &Decoded, head: &GroupHead) -> ResourceSpans {
    fn field(into: &mut Vec<u8>, number: u8, content: &[u8]) {
        into.extend_from_slice(Header::new(number << 3 | 2, content.len()).as_slice());
        into.extend_from_slice(content);
    }
    let view = |view| bytes(input, decoded, view);
    let (mut scope, mut resource, mut request) = (vec![], vec![], vec![]);
    if let Some(message) = head.scope {
        field(&mut scope, 1, view(message));
    }
    field(&mut scope, 3, view(head.scope_schema_url));
    if let Some(message) = head.resource {
        field(&mut resource, 1, view(message));
    }
    field(&mut resource, 2, &scope);
    field(&mut resource, 3, view(head.resource_schema_url));
    field(&mut request, 1, &resource);
    read::request(&request).unwrap().resources.remove(0)
}

/// Each span of a request, with what columns do not tell apart made equal: no value and an empty one, no status and an empty one.
pub fn flattened(request: &Request) -> Vec<Row> {
    let mut rows = Vec::new();
    for resource in &request.resources {
        for scope in &resource.scopes {
            let group = ResourceSpans {
                resource: resource.resource.clone(),
                scopes: vec![ScopeSpans {
                    scope: scope.scope.clone(),
                    spans: vec![],
                    schema_url: scope.schema_url.clone(),
                }],
                schema_url: resource.schema_url.clone(),
            };
            for span in &scope.spans {
                let mut span = span.clone();
                span.status.get_or_insert_default();
                let lists = span.events.iter_mut().map(|event| &mut event.attributes);
                let lists = lists.chain(span.links.iter_mut().map(|link| &mut link.attributes));
                for attribute in lists.chain([&mut span.attributes]).flatten() {
                    attribute.value.get_or_insert_default();
                    attribute.key_string_index = 0;
                }
                rows.push((span, group.clone()));
            }
        }
    }
    rows
}

/// Bytes that the columns take.
pub fn size(decoded: &Decoded) -> usize {
    fn attributes(table: &AttributeTable) -> usize {
        let columns = table.columns.iter().map(|column| {
            let width = match &column.values {
                Values::Text(_) | Values::Bytes(_) | Values::Any(_) => 12,
                Values::Int(_) | Values::Double(_) => 8,
                Values::Bool(_) => 1,
            };
            column.values.len() * width + column.absent.as_ref().map_or(0, Vec::len)
        });
        let ragged = table.ragged.as_ref();
        columns.sum::<usize>() + ragged.map_or(0, |ragged| 8 * ragged.offsets.len() + 24 * ragged.keys.len())
    }
    let items = decoded.events.as_ref().map_or(0, |events| {
        8 * events.offsets.len() + events.time.len() * (8 + 12 + 4) + attributes(&events.attributes)
    }) + decoded.links.as_ref().map_or(0, |links| {
        8 * links.offsets.len() + links.span_id.len() * (16 + 8 + 12 + 8) + attributes(&links.attributes)
    });
    decoded.rows * (16 + 8 + 8 + 12 + 12 + 4 + 8 + 8 + 12 + 4 + 12 + 4) + attributes(&decoded.attributes) + items
}
