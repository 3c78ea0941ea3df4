//! Changes to a finished span in place: its times and its ids have a fixed width, so nothing moves.

use std::hash::{BuildHasher, RandomState};

use spanwire_wire::DecodeError;
use spanwire_wire::read::{Field, Message};
use spanwire_wire::tag::{WireType, event, link, span};
use spanwire_wire::varint::decode_varint32;

/// New ids in the place of old ones: the same for the same, unlike in every other instance.
#[derive(Debug, Default)]
pub(crate) struct NewIds {
    keys: RandomState,
}

impl NewIds {
    fn trace(&self, old: [u8; 16]) -> [u8; 16] {
        let half = |number: u8| self.keys.hash_one((number, old)).to_be_bytes();
        let mut new = [0; 16];
        new[..8].copy_from_slice(&half(0));
        new[8..].copy_from_slice(&half(1));
        new[15] |= u8::from(new == [0; 16]); // no id is all zeros
        new
    }

    /// Span ids are unique within their trace only.
    fn span(&self, trace: [u8; 16], old: [u8; 8]) -> [u8; 8] {
        let new = self.keys.hash_one((2_u8, trace, old));
        new.max(1).to_be_bytes()
    }
}

/// Moves the times of a span and its events by `shift` nanoseconds, and gives it, its parent and its links new ids. What is absent
/// stays absent.
pub(crate) fn edit(bytes: &mut [u8], shift: i64, ids: Option<&NewIds>) -> Result<(), DecodeError> {
    let mut changes: Vec<(usize, Change)> = Vec::with_capacity(8);
    collect(bytes, shift, ids, &mut changes)?;
    for (at, change) in changes {
        match change {
            Change::Long(new) => bytes[at..at + 8].copy_from_slice(&new),
            Change::Trace(new) => bytes[at..at + 16].copy_from_slice(&new),
        }
    }
    Ok(())
}

enum Change {
    /// A time or a span id.
    Long([u8; 8]),
    Trace([u8; 16]),
}

fn collect(
    bytes: &[u8],
    shift: i64,
    ids: Option<&NewIds>,
    changes: &mut Vec<(usize, Change)>,
) -> Result<(), DecodeError> {
    let whole = Message::new(bytes);
    let trace = if ids.is_some() {
        trace_of(whole, span::TRACE_ID)?
    } else {
        [0; 16]
    };
    for field in whole.fields() {
        let field = field?;
        match field.number() {
            span::START_TIME_UNIX_NANO | span::END_TIME_UNIX_NANO => time(bytes, &field, shift, changes),
            span::EVENTS if shift != 0 => {
                for field in field.message().fields() {
                    let field = field?;
                    if field.number() == event::TIME_UNIX_NANO {
                        time(bytes, &field, shift, changes);
                    }
                }
            }
            number => {
                let Some(ids) = ids else { continue };
                match number {
                    span::TRACE_ID => trace_id(&field, ids, changes),
                    span::SPAN_ID | span::PARENT_SPAN_ID => span_id(&field, trace, ids, changes),
                    span::LINKS => {
                        let target = trace_of(field.message(), link::TRACE_ID)?;
                        for field in field.message().fields() {
                            let field = field?;
                            match field.number() {
                                link::TRACE_ID => trace_id(&field, ids, changes),
                                link::SPAN_ID => span_id(&field, target, ids, changes),
                                _ => {}
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    Ok(())
}

/// The trace id in a message; of several the last counts.
pub(crate) fn trace_of(message: Message<'_>, number: u32) -> Result<[u8; 16], DecodeError> {
    let mut found = [0; 16];
    for field in message.fields() {
        let field = field?;
        if field.number() == number {
            found = field.message().bytes().try_into().unwrap_or([0; 16]);
        }
    }
    Ok(found)
}

/// Zero is no time.
fn time(bytes: &[u8], field: &Field<'_>, shift: i64, changes: &mut Vec<(usize, Change)>) {
    let old = field.value();
    if shift == 0 || old == 0 || field.wire_type() != WireType::Fixed64 {
        return;
    }
    let tag = decode_varint32(&bytes[field.offset()..]).map_or(1, |(_, len)| len);
    let new = old.saturating_add_signed(shift).max(1);
    changes.push((field.offset() + tag, Change::Long(new.to_le_bytes())));
}

fn trace_id(field: &Field<'_>, ids: &NewIds, changes: &mut Vec<(usize, Change)>) {
    if let Ok(old) = <[u8; 16]>::try_from(field.message().bytes())
        && old != [0; 16]
    {
        changes.push((field.message().offset(), Change::Trace(ids.trace(old))));
    }
}

fn span_id(field: &Field<'_>, trace: [u8; 16], ids: &NewIds, changes: &mut Vec<(usize, Change)>) {
    if let Ok(old) = <[u8; 8]>::try_from(field.message().bytes())
        && old != [0; 8]
    {
        changes.push((field.message().offset(), Change::Long(ids.span(trace, old))));
    }
}

#[cfg(test)]
mod tests {
    use spanwire_wire::SpanView;

    use super::*;

    fn len(number: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).expect("short");
        [&[number << 3 | 2, length][..], content].concat()
    }

    fn fixed(number: u8, value: u64) -> Vec<u8> {
        [&[number << 3 | 1][..], &value.to_le_bytes()].concat()
    }

    fn sample() -> Vec<u8> {
        [
            fixed(7, 1000),
            len(4, &[9; 8]),
            fixed(8, 0),
            len(11, &fixed(1, 1500)),
            len(13, &[len(2, &[9; 8]), len(1, &[5; 16])].concat()),
            len(1, &[5; 16]),
            len(2, &[8; 8]),
            len(5, b"name"),
        ]
        .concat()
    }

    #[test]
    fn times_move_and_absent_ones_do_not() {
        let mut bytes = sample();
        edit(&mut bytes, -400, None).expect("valid");
        let view = SpanView::new(&bytes).expect("valid");
        assert_eq!((view.start_time().get(), view.end_time().get()), (600, 0));
        let event = view.events().next().expect("one").expect("valid");
        assert_eq!(event.time().get(), 1100);
        edit(&mut bytes, i64::MIN, None).expect("valid");
        assert_eq!(
            SpanView::new(&bytes).expect("valid").start_time().get(),
            1,
            "still a time"
        );
    }

    #[test]
    fn equal_ids_get_equal_ids() {
        let (mut bytes, ids) = (sample(), NewIds::default());
        edit(&mut bytes, 0, Some(&ids)).expect("valid");
        let view = SpanView::new(&bytes).expect("valid");
        let link = view.links().next().expect("one").expect("valid");
        assert_eq!(link.trace_id(), view.trace_id());
        assert_eq!(Some(link.span_id()), view.parent_span_id());
        assert_ne!(Some(view.span_id()), view.parent_span_id());
        let (mut again, mut other) = (sample(), sample());
        edit(&mut again, 0, Some(&ids)).expect("valid");
        edit(&mut other, 0, Some(&NewIds::default())).expect("valid");
        assert_eq!(again, bytes);
        assert_ne!(other, bytes);
        assert_eq!((view.name(), view.start_time().get()), ("name", 1000));
    }
}
