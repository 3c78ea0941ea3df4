//! What the tests and the fuzz targets share: owned messages ([`model`]), reading them with the crate's lazy views
//! ([`read`]), a writer ([`plain`]) that knows nothing of the crate's, and the same by the crate's ([`region`]).
//!
//! Of logs, metrics and profiles: any messages ([`random`]), and their values as text, by the typed views ([`typed`]) and
//! by the schema ([`by_schema`]).
#![allow(dead_code, reason = "each test program uses its part")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::struct_field_names,
    clippy::unwrap_used,
    reason = "tests: the casts cut on purpose, names are those of the .proto files"
)]

pub mod by_schema;
pub mod model;
pub mod plain;
pub mod random;
pub mod read;
pub mod region;
pub mod sample;
pub mod strict;
pub mod text;
pub mod typed;
