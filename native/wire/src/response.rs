//! The small messages of an answer, read and written: `ExportTraceServiceResponse` and `google.rpc.Status`.

use alloc::vec::Vec;

use crate::error::DecodeError;
use crate::read::Message;
use crate::schema::Type;
use crate::tag::{export_response, len_tag, partial_success, rpc_status, varint_tag};
use crate::write::Header;

/// `ExportTraceServiceResponse`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct TraceResponse<'a> {
    /// Given where the receiver rejected something, or wants to say something.
    pub partial_success: Option<PartialSuccess<'a>>,
}

/// What a receiver says of a request that it did not take whole.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PartialSuccess<'a> {
    /// How many spans were rejected. Zero with a message is a warning.
    pub rejected_spans: i64,
    /// Why.
    pub error_message: &'a str,
}

impl<'a> TraceResponse<'a> {
    /// Reads a whole message.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut read = Self::default();
        for field in Message::new(bytes).fields() {
            let field = field?.checked(Type::Response)?;
            if field.number() == export_response::PARTIAL_SUCCESS {
                read.partial_success.get_or_insert_default().merge(field.message())?;
            }
        }
        Ok(read)
    }

    /// Appends the message to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        if let Some(partial) = &self.partial_success {
            let mut content = Vec::with_capacity(24 + partial.error_message.len());
            varint(&mut content, partial_success::REJECTED_SPANS, partial.rejected_spans);
            text(&mut content, partial_success::ERROR_MESSAGE, partial.error_message);
            out.extend_from_slice(Header::new(len_tag(export_response::PARTIAL_SUCCESS), content.len()).as_slice());
            out.append(&mut content);
        }
    }
}

impl<'a> PartialSuccess<'a> {
    /// Reads one more part.
    fn merge(&mut self, part: Message<'a>) -> Result<(), DecodeError> {
        for field in part.fields() {
            let field = field?.checked(Type::PartialSuccess)?;
            match field.number() {
                partial_success::REJECTED_SPANS => self.rejected_spans = field.value().cast_signed(),
                partial_success::ERROR_MESSAGE => self.error_message = field.message().utf8()?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// `google.rpc.Status`, the body of an error. Details are neither read nor written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RpcStatus<'a> {
    /// One of gRPC's codes.
    pub code: i32,
    /// What went wrong.
    pub message: &'a str,
}

impl<'a> RpcStatus<'a> {
    /// Reads a whole message.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut read = Self::default();
        for field in Message::new(bytes).fields() {
            let field = field?.checked(Type::RpcStatus)?;
            match field.number() {
                rpc_status::CODE => read.code = field.value32().cast_signed(),
                rpc_status::MESSAGE => read.message = field.message().utf8()?,
                _ => {}
            }
        }
        Ok(read)
    }

    /// Appends the message to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        varint(out, rpc_status::CODE, self.code.into());
        text(out, rpc_status::MESSAGE, self.message);
    }
}

/// A varint field, unless it is 0.
fn varint(out: &mut Vec<u8>, field: u32, value: i64) {
    if value == 0 {
        return;
    }
    out.push(varint_tag(field));
    let mut rest = value.cast_unsigned();
    while rest >= 0x80 {
        out.push((rest & 0x7F) as u8 | 0x80);
        rest >>= 7;
    }
    out.push((rest & 0x7F) as u8);
}

/// A string field, unless it is empty.
fn text(out: &mut Vec<u8>, field: u32, text: &str) {
    if !text.is_empty() {
        out.extend_from_slice(Header::new(len_tag(field), text.len()).as_slice());
        out.extend_from_slice(text.as_bytes());
    }
}
