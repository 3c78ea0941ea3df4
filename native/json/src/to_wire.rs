//! OTLP/JSON to protobuf: one pass over the text that writes fields as they come.
//!
//! Fields come in any order in JSON and thus also on the wire, where readers take them in any order. Unknown names are
//! skipped without recursion; known ones nest as deep as the schema does, values at most [`MAX_DEPTH`].

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use spanwire_wire::Signal;
use spanwire_wire::arena::Region;
use spanwire_wire::read::MAX_DEPTH;
use spanwire_wire::schema::{Field, Kind, Label, Type};

use crate::error::{JsonError, Step};
use crate::scalar::{self, Token};

/// Appends the export request of `signal` (or `TracesData`, `LogsData` …) in the text `json` as protobuf to `out`; on
/// an error `out` is as it was.
pub fn to_wire(signal: Signal, json: &[u8], out: &mut Vec<u8>) -> Result<(), JsonError> {
    let mut context = Context {
        out: Region::with_capacity(json.len() / 2),
        path: Vec::new(),
    };
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    // Its limit counts brackets, of which one of our levels has up to four.
    deserializer.disable_recursion_limit();
    let seed = MessageSeed {
        context: &mut context,
        of: signal.request(),
        depth: 0,
    };
    match seed.deserialize(&mut deserializer).and_then(|()| deserializer.end()) {
        Ok(()) => {
            out.extend_from_slice(context.out.as_slice());
            Ok(())
        }
        Err(error) => Err(JsonError::new(error, &context.path)),
    }
}

/// [`to_wire`] of traces.
pub fn traces_to_wire(json: &[u8], out: &mut Vec<u8>) -> Result<(), JsonError> {
    to_wire(Signal::Traces, json, out)
}

struct Context {
    out: Region,
    /// Where the reader is; left as it stands when an error ends the reading.
    path: Vec<Step>,
}

/// Reads an object as the content of a message.
struct MessageSeed<'c> {
    context: &'c mut Context,
    of: Type,
    depth: u8,
}

impl<'de> DeserializeSeed<'de> for MessageSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for MessageSeed<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let (mut given_fields, mut has_member) = (0_u32, false);
        while let Some(field) = object.next_key_seed(NameSeed(self.of))? {
            let Some(field) = field else {
                object.next_value::<IgnoredAny>()?;
                continue;
            };
            self.context.path.push(Step::Field(field.json));
            let bit = 1 << field.number;
            if given_fields & bit != 0 {
                return Err(A::Error::custom("a field that is given twice"));
            }
            let is_member = matches!(field.label, Label::OneOf);
            let seed = FieldSeed {
                context: self.context,
                field,
                depth: self.depth,
                element: false,
            };
            let given = object.next_value_seed(seed)?;
            if given && is_member && has_member {
                return Err(A::Error::custom("a second value where one is allowed"));
            }
            has_member |= given && is_member;
            if given || !is_member {
                given_fields |= bit;
            }
            self.context.path.pop();
        }
        Ok(())
    }
}

/// Reads a name as a field; None if it is unknown.
struct NameSeed(Type);

impl<'de> DeserializeSeed<'de> for NameSeed {
    type Value = Option<&'static Field>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for NameSeed {
    type Value = Option<&'static Field>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.fields().iter().find(|field| field.json == name))
    }
}

/// Reads a value as a field, or as an element of a repeated one; false if it is null.
struct FieldSeed<'c> {
    context: &'c mut Context,
    field: &'static Field,
    depth: u8,
    element: bool,
}

impl FieldSeed<'_> {
    const fn is_list(&self) -> bool {
        matches!(self.field.label, Label::Many)
    }

    fn scalar<E: Error>(self, token: Token<'_>) -> Result<bool, E> {
        let is_list = self.is_list();
        let out = &mut self.context.out;
        let fits = is_list == self.element
            && if self.field.is_packed() {
                scalar::write_packed(out, self.field.kind, token)
            } else {
                scalar::write(out, self.field, token, !matches!(self.field.label, Label::One))
            };
        if fits { Ok(true) } else { Err(self.unfit(&found(token))) }
    }

    /// An error that says what stands there and what should; never the text itself, which may be secret and long.
    fn unfit<E: Error>(&self, found: &str) -> E {
        let expected = if self.is_list() && !self.element {
            "an array"
        } else {
            expected(self.field.kind)
        };
        E::custom(format_args!("{found} where {expected} is expected"))
    }
}

fn found(token: Token<'_>) -> String {
    match token {
        Token::Bool(value) => value.to_string(),
        Token::Double(value) => value.to_string(),
        Token::Integer(value) => value.to_string(),
        Token::Text(text) => format!("a string of {} bytes", text.len()),
    }
}

impl<'de> DeserializeSeed<'de> for FieldSeed<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FieldSeed<'_> {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(expected(self.field.kind))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<bool, E> {
        self.scalar(Token::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<bool, E> {
        self.scalar(Token::Integer(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<bool, E> {
        self.scalar(Token::Integer(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<bool, E> {
        self.scalar(Token::Double(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<bool, E> {
        self.scalar(Token::Text(value))
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        if self.element {
            Err(self.unfit("null"))
        } else {
            Ok(false)
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<bool, A::Error> {
        if self.element || !self.is_list() {
            return Err(self.unfit("an array"));
        }
        let before = self.context.out.len();
        let packed = self
            .field
            .is_packed()
            .then(|| self.context.out.open_short(self.field.tag()));
        let mut is_empty = true;
        for index in 0.. {
            self.context.path.push(Step::Element(index));
            let seed = FieldSeed {
                context: &mut *self.context,
                element: true,
                ..self
            };
            if array.next_element_seed(seed)?.is_none() {
                break;
            }
            is_empty = false;
            self.context.path.pop();
        }
        self.context.path.pop();
        if let Some(open) = packed {
            if is_empty {
                self.context.out.truncate(before);
            } else {
                self.context.out.close(open);
            }
        }
        Ok(true)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<bool, A::Error> {
        let Kind::Message(of) = self.field.kind else {
            return Err(self.unfit("an object"));
        };
        if self.is_list() != self.element {
            return Err(self.unfit("an object"));
        }
        let depth = self.depth + u8::from(of.nests());
        if depth > MAX_DEPTH {
            return Err(A::Error::custom(format_args!(
                "values nested more than {MAX_DEPTH} deep"
            )));
        }
        let open = self.context.out.open_short(self.field.tag());
        MessageSeed {
            context: &mut *self.context,
            of,
            depth,
        }
        .visit_map(object)?;
        self.context.out.close(open);
        Ok(true)
    }
}

/// What JSON should have in place of something else.
const fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool => "true or false",
        Kind::Bytes => "a base64 string",
        Kind::Double => "a number, \"NaN\", \"Infinity\" or \"-Infinity\"",
        Kind::Enum => "an integer (OTLP/JSON has no enum names)",
        Kind::Fixed32 | Kind::Uint32 => "an integer from 0 to 4294967295",
        Kind::Fixed64 | Kind::Uint64 => "an integer from 0 to 18446744073709551615, as a number or a string",
        Kind::Int32 | Kind::Sint32 => "a 32-bit integer",
        Kind::Int64 | Kind::Sfixed64 => "a 64-bit integer, as a number or a string",
        Kind::Message(_) => "an object",
        Kind::SpanId => "16 hex digits or an empty string",
        Kind::TraceId => "32 hex digits or an empty string",
        Kind::Utf8 => "a string",
    }
}
