//! OTLP protobuf: varints, tags, writers and lazy strict readers. No I/O, no clock, no threads, no Python.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod tag;

pub mod arena;
pub mod varint;
pub mod write;
