//! All unsafe code of this crate: mapped memory, and what must not be let go in a forked child.

mod block;
mod front;
mod mapping;

pub use block::MappedBlock;
pub use front::Front;
pub use mapping::Mapping;
