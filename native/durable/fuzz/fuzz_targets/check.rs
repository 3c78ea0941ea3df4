//! What holds of whatever is read.

use spanwire_durable::read::Found;
use spanwire_wire::Signal;
use spanwire_wire::read::Message;
use spanwire_wire::validate::{Part, validate_part};
use spanwire_wire::varint::decode_varint32;

/// Frames are sound spans of groups that are there, no more than fit in so many bytes; what was done and lost is no more than was said.
pub fn check(found: &Found, bytes: usize) {
    let mut len = 0;
    for (group, frame) in &found.frames {
        assert!(*group < found.groups.len());
        let (rest, width) = decode_varint32(&frame[1..]).expect("a length");
        assert_eq!(frame.len(), 1 + width + rest as usize);
        validate_part(Part::Item(Signal::Traces), Message::new(&frame[1 + width..])).expect("a span");
        len += frame.len();
    }
    assert!(len <= bytes);
    assert!(found.done <= u64::from(u32::MAX));
    assert!(found.lost <= u64::from(u32::MAX));
}
