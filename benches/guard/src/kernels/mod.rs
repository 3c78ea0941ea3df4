//! [`KERNELS`]: what is counted, and how often it is done.

mod columns;
mod json;
mod queue;
mod record;
mod texts;
mod wire;

/// Does so many operations.
pub type Run = Box<dyn FnMut(usize)>;

/// One thing that is counted.
pub struct Kernel {
    /// Crate and what of it.
    pub name: &'static str,
    /// Operations: enough that growing buffers and new chunks come to little.
    pub count: usize,
    /// What one operation is.
    pub what: &'static str,
    /// Prepares everything.
    pub make: fn() -> Run,
}

const fn kernel(name: &'static str, count: usize, what: &'static str, make: fn() -> Run) -> Kernel {
    Kernel {
        name,
        count,
        what,
        make,
    }
}

/// All of them.
pub const KERNELS: &[Kernel] = &[
    kernel(
        "record/w5",
        2000,
        "a W5 span: ids, begin, five attributes, end, its frame",
        record::w5,
    ),
    kernel("record/set-str", 5000, "an attribute, str of 20", record::set_str),
    kernel("record/set-int", 5000, "an attribute, int 200", record::set_int),
    kernel("record/set-float", 5000, "an attribute, float", record::set_float),
    kernel("record/set-bool", 5000, "an attribute, bool", record::set_bool),
    kernel("record/event", 5000, "an event with two attributes", record::event),
    kernel("record/link", 5000, "a link with two attributes", record::link),
    kernel("wire/w5", 2000, "a W5 span from its parts", wire::w5),
    kernel(
        "wire/any-value",
        2000,
        "an attribute of lists in a map",
        wire::any_value,
    ),
    kernel(
        "wire/validate",
        2048,
        "a W5 span of a request of 512, checked",
        wire::validated,
    ),
    kernel(
        "wire/read",
        1024,
        "a W5 span of a request of 512, read by views",
        wire::read,
    ),
    kernel(
        "queue/push-take",
        8192,
        "a W5 frame, appended and taken in batches of 512",
        queue::push_take,
    ),
    kernel(
        "queue/batch",
        8192,
        "a W5 frame of a batch of 512, in a request",
        queue::batch,
    ),
    kernel("columns/encode", 2048, "a W5 row of 512, to a request", columns::encode),
    kernel(
        "columns/decode",
        2048,
        "a W5 span of a request of 512, to columns",
        columns::decode,
    ),
    kernel(
        "json/from-wire",
        512,
        "a W5 span of a request of 512, to JSON",
        json::from_wire,
    ),
    kernel(
        "json/to-wire",
        512,
        "a W5 span of a request of 512, from JSON",
        json::to_wire,
    ),
    kernel(
        "kernels/utf8",
        4000,
        "16 short texts and one of 2,000 characters, checked",
        texts::utf8,
    ),
    kernel(
        "kernels/transcode",
        1000,
        "short and long texts of each width, to UTF-8",
        texts::transcoded,
    ),
    kernel(
        "kernels/json-string",
        2000,
        "16 short texts and a stack trace, quoted",
        texts::json_string,
    ),
    kernel("kernels/hex", 5000, "a trace id to hex and back", texts::hexadecimal),
];
