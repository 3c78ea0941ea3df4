//! Protobuf's encoding: varints and tags, writers into regions, strict lazy readers, and attribute values.

pub mod arena;
pub mod error;
pub mod packed;
pub mod parts;
pub mod read;
pub mod tag;
pub mod value;
pub mod varint;
pub mod write;
