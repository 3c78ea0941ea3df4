//! Delivery: what the worker does with requests, from a lane or a caller to a destination's answer.

pub(crate) mod drive;
pub(crate) mod in_flight;
pub(crate) mod payload;
pub(crate) mod request;
pub(crate) mod retry_state;
pub(crate) mod route;
pub(crate) mod sizes;
pub(crate) mod spread;
pub(crate) mod target;
pub(crate) mod traffic;
