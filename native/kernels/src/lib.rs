//! Kernels: loops over bytes and columns that are worth an instruction set. One name each; the variants stand side by side and one
//! level is chosen once for all of them, by what the machine has ([`level`]) or by `SPANWIRE_SIMD`.
//!
//! Every variant of a kernel gives the same answer, byte for byte, as its plain twin in a file `scalar.rs`, for every input. What gained
//! nothing where it would be used is not here: docs/adr/0009-kernels.md has the list.
#![cfg_attr(not(any(test, feature = "std")), no_std)]

extern crate alloc;

mod simd;
#[cfg(test)]
mod testing;

pub mod hex;
pub mod info;
pub mod json;
pub mod level;
pub mod transcode;
pub mod utf8;

pub use level::{Level, Usable};
