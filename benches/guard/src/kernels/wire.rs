//! Writing a span from its parts, and reading requests.

use std::hint::black_box;

use spanwire_wire::arena::Region;
use spanwire_wire::tag::{self, fixed32_tag, fixed64_tag, len_tag, varint_tag};
use spanwire_wire::{DecodeError, Signal, TraceRequest, validate, write};

use super::Run;
use crate::w5::{self, ROWS};

const ATTRIBUTE: u8 = len_tag(tag::span::ATTRIBUTES);

/// As the encoder writes a span of the SDK's.
pub fn w5() -> Run {
    let ids = w5::ids(1);
    let mut out = Region::with_capacity(1 << 12);
    Box::new(move |count| {
        for _ in 0..count {
            out.truncate(0);
            let message = out.open(len_tag(tag::scope_spans::SPANS), 2);
            out.ids(
                const { len_tag(tag::span::TRACE_ID) },
                black_box(ids.trace_id),
                const { len_tag(tag::span::SPAN_ID) },
                black_box(ids.span_id),
            );
            write::bytes_field(&mut out, len_tag(tag::span::NAME), black_box(w5::NAME));
            out.span_kind_and_times(
                const { varint_tag(tag::span::KIND) },
                black_box(2),
                (
                    const { fixed64_tag(tag::span::START_TIME_UNIX_NANO) },
                    black_box(w5::START),
                ),
                (const { fixed64_tag(tag::span::END_TIME_UNIX_NANO) }, black_box(w5::END)),
            );
            write::attribute_str(
                &mut out,
                ATTRIBUTE,
                black_box(b"http.request.method"),
                black_box(b"GET"),
            );
            write::attribute_str(&mut out, ATTRIBUTE, black_box(b"url.path"), black_box(b"/users/42"));
            write::attribute_int(
                &mut out,
                ATTRIBUTE,
                black_box(b"http.response.status_code"),
                black_box(200),
            );
            write::attribute_double(&mut out, ATTRIBUTE, black_box(b"server.load"), black_box(0.42));
            write::attribute_bool(&mut out, ATTRIBUTE, black_box(b"cache.hit"), black_box(true));
            out.fixed32_field(const { fixed32_tag(tag::span::FLAGS) }, black_box(0x100));
            out.close(message);
            black_box(out.as_slice());
        }
    })
}

/// A map of a list of three texts and a list of two numbers.
pub fn any_value() -> Run {
    let mut out = Region::with_capacity(1 << 12);
    Box::new(move |count| {
        let entry = len_tag(tag::key_value_list::VALUES);
        for _ in 0..count {
            out.truncate(0);
            let attribute = write::open_attribute(&mut out, ATTRIBUTE, black_box(b"app.cart"));
            let map = write::open_map(&mut out);
            let names = write::open_attribute(&mut out, entry, black_box(b"names"));
            let list = write::open_array(&mut out);
            for name in black_box(["a", "bc", "def"]) {
                let element = write::open_element(&mut out);
                write::value_str(&mut out, name.as_bytes());
                out.close(element);
            }
            out.close(list);
            write::close_attribute(&mut out, names);
            let prices = write::open_attribute(&mut out, entry, black_box(b"prices"));
            let list = write::open_array(&mut out);
            for price in black_box([1_i64, 20_000]) {
                let element = write::open_element(&mut out);
                write::value_int(&mut out, price);
                out.close(element);
            }
            out.close(list);
            write::close_attribute(&mut out, prices);
            out.close(map);
            write::close_attribute(&mut out, attribute);
            black_box(out.as_slice());
        }
    })
}

pub fn validated() -> Run {
    let request = w5::request();
    Box::new(move |count| {
        for _ in 0..count / ROWS {
            let counts = validate(Signal::Traces, black_box(&request)).expect("it was just made");
            assert_eq!(counts.items, ROWS);
        }
    })
}

pub fn read() -> Run {
    let request = w5::request();
    Box::new(move |count| {
        for _ in 0..count / ROWS {
            assert_eq!(walk(black_box(&request)).expect("it was just made"), ROWS);
        }
    })
}

/// Looks at what a span of W5 has.
fn walk(request: &[u8]) -> Result<usize, DecodeError> {
    let mut spans = 0;
    for resource in TraceRequest::new(request).resources() {
        for scope in resource?.scopes() {
            for span in scope?.items() {
                let span = span?;
                black_box((span.trace_id(), span.span_id(), span.name(), span.kind()));
                black_box((span.start_time(), span.end_time(), span.flags()));
                for attribute in span.attributes() {
                    let attribute = attribute?;
                    black_box((attribute.key(), attribute.value()?));
                }
                spans += 1;
            }
        }
    }
    Ok(spans)
}
