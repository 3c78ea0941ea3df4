//! Delivery: what the worker does with requests, from a lane or a caller to a destination's answer.

pub(crate) mod drive;
pub(crate) mod flight;
pub(crate) mod flights;
pub(crate) mod parcel;
pub(crate) mod route;
pub(crate) mod sizes;
pub(crate) mod spread;
pub(crate) mod target;
pub(crate) mod traffic;
pub(crate) mod trial;
