//! OTLP/JSON to protobuf: one pass over the text that writes fields as they come.
//!
//! Fields come in any order in JSON and thus also on the wire, where readers take them in any order. Unknown names are
//! skipped without recursion; known ones nest as deep as the schema does, values at most [`MAX_DEPTH`].

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use spanwire_wire::arena::Region;
use spanwire_wire::read::MAX_DEPTH;

use crate::error::{JsonError, Step};
use crate::scalar::{self, Token};
use crate::schema::{Field, Kind, Message, REQUEST};

/// Appends the `ExportTraceServiceRequest` (or `TracesData`) in the text `json` as protobuf to `out`; on an error
/// `out` is as it was.
pub fn traces_to_wire(json: &[u8], out: &mut Vec<u8>) -> Result<(), JsonError> {
    let mut context = Context {
        out: Region::with_capacity(json.len() / 2),
        path: Vec::new(),
    };
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    // Its limit counts brackets, of which one of our levels has up to four.
    deserializer.disable_recursion_limit();
    let seed = MessageSeed {
        context: &mut context,
        of: &REQUEST,
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

struct Context {
    out: Region,
    /// Where the reader is; left as it stands when an error ends the reading.
    path: Vec<Step>,
}

/// Reads an object as the content of a message.
struct MessageSeed<'c> {
    context: &'c mut Context,
    of: &'static Message,
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
        let mut given_fields = 0_u32;
        while let Some(field) = object.next_key_seed(NameSeed(self.of))? {
            let Some(field) = field else {
                object.next_value::<IgnoredAny>()?;
                continue;
            };
            self.context.path.push(Step::Field(field.name));
            let bit = 1 << field.number;
            if given_fields & bit != 0 {
                return Err(A::Error::custom("a field that is given twice"));
            }
            let seed = FieldSeed {
                context: self.context,
                field,
                explicit: self.of.is_oneof,
                depth: self.depth,
                element: false,
            };
            let given = object.next_value_seed(seed)?;
            if given && self.of.is_oneof && given_fields != 0 {
                return Err(A::Error::custom("a second value where one is allowed"));
            }
            if given || !self.of.is_oneof {
                given_fields |= bit;
            }
            self.context.path.pop();
        }
        Ok(())
    }
}

/// Reads a name as a field; None if it is unknown.
struct NameSeed(&'static Message);

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
        Ok(self.0.field(name))
    }
}

/// Reads a value as a field, or as an element of a repeated one; false if it is null.
struct FieldSeed<'c> {
    context: &'c mut Context,
    field: &'static Field,
    /// The default value is written too.
    explicit: bool,
    depth: u8,
    element: bool,
}

impl FieldSeed<'_> {
    fn scalar<E: Error>(self, token: Token<'_>) -> Result<bool, E> {
        let fits = self.field.repeated == self.element
            && scalar::write(&mut self.context.out, self.field, token, self.explicit || self.element);
        if fits { Ok(true) } else { Err(self.unfit(&found(token))) }
    }

    /// An error that says what stands there and what should; never the text itself, which may be secret and long.
    fn unfit<E: Error>(&self, found: &str) -> E {
        let expected = if self.field.repeated && !self.element {
            "an array"
        } else {
            self.field.kind.expected()
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
        formatter.write_str(self.field.kind.expected())
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
        if self.element || !self.field.repeated {
            return Err(self.unfit("an array"));
        }
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
            self.context.path.pop();
        }
        self.context.path.pop();
        Ok(true)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<bool, A::Error> {
        let Kind::Message(of) = self.field.kind else {
            return Err(self.unfit("an object"));
        };
        if self.field.repeated != self.element {
            return Err(self.unfit("an object"));
        }
        let depth = self.depth + u8::from(of.is_container);
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
