//! What opentelemetry-proto 1.11 declares for traces: the type of every field of every message.
//!
//! [`validate`](crate::validate) walks by it, and the lazy readers ask it whether a tag that they don't know is an
//! unknown field or a known one with a wrong wire type.

use crate::tag::WireType;

/// A message's type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Type {
    Any,
    AnyValue,
    ArrayValue,
    Duration,
    EntityRef,
    Event,
    KeyValue,
    KeyValueList,
    Link,
    PartialSuccess,
    Request,
    Resource,
    ResourceSpans,
    Response,
    RetryInfo,
    RpcStatus,
    Scope,
    ScopeSpans,
    Span,
    Status,
}

impl Type {
    /// Each type at its own number.
    pub const ALL: [Self; 20] = [
        Self::Any,
        Self::AnyValue,
        Self::ArrayValue,
        Self::Duration,
        Self::EntityRef,
        Self::Event,
        Self::KeyValue,
        Self::KeyValueList,
        Self::Link,
        Self::PartialSuccess,
        Self::Request,
        Self::Resource,
        Self::ResourceSpans,
        Self::Response,
        Self::RetryInfo,
        Self::RpcStatus,
        Self::Scope,
        Self::ScopeSpans,
        Self::Span,
        Self::Status,
    ];
}

/// A field's type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Bytes,
    Fixed32,
    Fixed64,
    Message(Type),
    SpanId,
    TraceId,
    Utf8,
    Varint,
}

impl Kind {
    pub const fn wire_type(self) -> WireType {
        match self {
            Self::Fixed32 => WireType::Fixed32,
            Self::Fixed64 => WireType::Fixed64,
            Self::Varint => WireType::Varint,
            Self::Bytes | Self::Message(_) | Self::SpanId | Self::TraceId | Self::Utf8 => WireType::Len,
        }
    }
}

/// The type of field `number` in a message of type `of`; none if it is not declared.
#[rustfmt::skip]
pub(crate) const fn kind(of: Type, number: u32) -> Option<Kind> {
    use Kind::{Bytes, Fixed32, Fixed64, Message, SpanId, TraceId, Utf8, Varint};

    Some(match of {
        Type::Request => match number { 1 => Message(Type::ResourceSpans), _ => return None },
        Type::ResourceSpans => match number {
            1 => Message(Type::Resource),
            2 => Message(Type::ScopeSpans),
            3 => Utf8,
            _ => return None,
        },
        Type::Resource => match number {
            1 => Message(Type::KeyValue),
            2 => Varint,
            3 => Message(Type::EntityRef),
            _ => return None,
        },
        Type::EntityRef => match number { 1..=4 => Utf8, _ => return None },
        Type::ScopeSpans => match number {
            1 => Message(Type::Scope),
            2 => Message(Type::Span),
            3 => Utf8,
            _ => return None,
        },
        Type::Scope => match number {
            1 | 2 => Utf8,
            3 => Message(Type::KeyValue),
            4 => Varint,
            _ => return None,
        },
        Type::Span => match number {
            1 => TraceId,
            2 | 4 => SpanId,
            3 | 5 => Utf8,
            6 | 10 | 12 | 14 => Varint,
            7 | 8 => Fixed64,
            9 => Message(Type::KeyValue),
            11 => Message(Type::Event),
            13 => Message(Type::Link),
            15 => Message(Type::Status),
            16 => Fixed32,
            _ => return None,
        },
        Type::Event => match number {
            1 => Fixed64,
            2 => Utf8,
            3 => Message(Type::KeyValue),
            4 => Varint,
            _ => return None,
        },
        Type::Link => match number {
            1 => TraceId,
            2 => SpanId,
            3 => Utf8,
            4 => Message(Type::KeyValue),
            5 => Varint,
            6 => Fixed32,
            _ => return None,
        },
        Type::Status => match number { 2 => Utf8, 3 => Varint, _ => return None },
        Type::KeyValue => match number {
            1 => Utf8,
            2 => Message(Type::AnyValue),
            3 => Varint,
            _ => return None,
        },
        Type::AnyValue => match number {
            1 => Utf8,
            2 | 3 | 8 => Varint,
            4 => Fixed64,
            5 => Message(Type::ArrayValue),
            6 => Message(Type::KeyValueList),
            7 => Bytes,
            _ => return None,
        },
        Type::ArrayValue => match number { 1 => Message(Type::AnyValue), _ => return None },
        Type::KeyValueList => match number { 1 => Message(Type::KeyValue), _ => return None },
        Type::Response => match number { 1 => Message(Type::PartialSuccess), _ => return None },
        Type::PartialSuccess => match number { 1 => Varint, 2 => Utf8, _ => return None },
        Type::RpcStatus => match number { 1 => Varint, 2 => Utf8, 3 => Message(Type::Any), _ => return None },
        Type::Any => match number { 1 => Utf8, 2 => Bytes, _ => return None },
        Type::RetryInfo => match number { 1 => Message(Type::Duration), _ => return None },
        Type::Duration => match number { 1 | 2 => Varint, _ => return None },
    })
}
