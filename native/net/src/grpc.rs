//! What client and server of gRPC share: the prefix of a message, status codes, and the coding of `grpc-message`.

mod code;
pub mod percent;
mod prefix;

pub use code::Code;
pub use prefix::Prefix;
