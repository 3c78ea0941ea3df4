//! A receiver's answers in JSON, read: an export response of any signal and `google.rpc.Status`.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use spanwire_wire::{ExportAnswer, Signal};

/// Reads an export response of any signal; `None` if it is none.
#[must_use]
pub fn read_response(json: &[u8]) -> Option<ExportAnswer<'static>> {
    serde_json::from_slice::<Object<Response>>(json)
        .ok()
        .map(|response| response.0.0)
}

/// The message of a `google.rpc.Status`; `None` if there is none.
#[must_use]
pub fn read_status_message(json: &[u8]) -> Option<String> {
    serde_json::from_slice::<Object<Status>>(json).ok()?.0.0
}

/// What an object's fields are read into; what is unknown there is passed over, and `null` is as if it were not there.
trait Fields: Default {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, object: &mut A) -> Result<(), A::Error>;
}

#[derive(Default)]
struct Response(ExportAnswer<'static>);

impl Fields for Response {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, object: &mut A) -> Result<(), A::Error> {
        if name == "partialSuccess" {
            if let Some(partial) = object.next_value::<Option<Object<ExportAnswer<'static>>>>()? {
                self.0 = partial.0;
            }
            return Ok(());
        }
        object.next_value::<IgnoredAny>().map(drop)
    }
}

impl Fields for ExportAnswer<'static> {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, object: &mut A) -> Result<(), A::Error> {
        match name {
            name if is_rejected(name) => {
                self.rejected = object.next_value::<Option<Count>>()?.map_or(0, |count| count.0);
            }
            "errorMessage" => self.message = object.next_value::<Option<String>>()?.unwrap_or_default().into(),
            _ => drop(object.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

/// Whether a signal calls the number of its rejected items so.
fn is_rejected(name: &str) -> bool {
    Signal::ALL.iter().any(|signal| signal.names().json_rejected == name)
}

#[derive(Default)]
struct Status(Option<String>);

impl Fields for Status {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, object: &mut A) -> Result<(), A::Error> {
        if name == "message" {
            self.0 = object.next_value()?;
            return Ok(());
        }
        object.next_value::<IgnoredAny>().map(drop)
    }
}

struct Object<T>(T);

impl<'de, T: Fields> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Fields> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Object<T>, A::Error> {
        let mut fields = T::default();
        while let Some(name) = object.next_key::<String>()? {
            fields.read(&name, &mut object)?;
        }
        Ok(Object(fields))
    }
}

/// A 64-bit number, as text or as a number.
struct Count(i64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CountVisitor)
    }
}

struct CountVisitor;

impl Visitor<'_> for CountVisitor {
    type Value = Count;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a whole number")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Count, E> {
        Ok(Count(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Count, E> {
        i64::try_from(value).map(Count).map_err(E::custom)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Count, E> {
        value.parse().map(Count).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{response, rpc_status};

    #[test]
    fn what_is_written_reads_back() {
        for signal in Signal::ALL {
            for (rejected, message) in [(0, ""), (3, "\"no\"\n"), (i64::MAX, "x"), (0, "a warning")] {
                let expected = ExportAnswer {
                    rejected,
                    message: message.into(),
                };
                let json = response(signal, rejected, message);
                assert_eq!(read_response(json.as_bytes()), Some(expected), "{json}");
            }
        }
        assert_eq!(read_status_message(rpc_status(3, "bad").as_bytes()), Some("bad".into()));
    }

    #[test]
    fn numbers_nulls_and_unknown_fields_are_taken() {
        for json in [
            r#"{"partialSuccess":{"rejectedSpans":7,"x":[1,{}]},"y":null}"#,
            r#"{"partialSuccess":{"rejectedSpans":"7","errorMessage":null}}"#,
        ] {
            assert_eq!(read_response(json.as_bytes()).map(|answer| answer.rejected), Some(7));
        }
        let none = Some(ExportAnswer::default());
        assert_eq!(read_response(br#"{"partialSuccess":null}"#), none);
        assert_eq!(read_status_message(br#"{"code":3,"details":[{"@type":"x"}]}"#), None);
    }

    #[test]
    fn what_is_none_is_said_to_be_none() {
        for json in [
            "",
            "[]",
            "<html>",
            "{",
            r#"{"partialSuccess":7}"#,
            r#"{"partialSuccess":{"rejectedSpans":"x"}}"#,
        ] {
            assert_eq!(read_response(json.as_bytes()), None, "{json}");
        }
        assert_eq!(read_status_message(b"<html>"), None);
    }
}
