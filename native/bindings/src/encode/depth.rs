//! How deep values may be nested.

/// How many messages may be nested in the `AnyValue` of a span's or scope's attribute, so that a protobuf parser with the usual
/// limit of 100 takes the request: an array and each of its elements are one, a map is one and each of its entries two.
pub const DEPTH_IN_SPAN: u32 = 96;
/// The same in an event's or link's attribute.
pub const DEPTH_IN_LIST: u32 = 95;
/// The same in a resource's attribute.
pub const DEPTH_IN_RESOURCE: u32 = 97;
