//! Laws of the queue against a plain model: what waits, in which order, what a batch is, and that the sum holds.

use std::collections::VecDeque;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use spanwire_queue::{Appended, Counts, Group, Limits, Writer};
use spanwire_wire::Signal;
use spanwire_wire::arena::Region;

#[derive(Clone, Debug)]
enum Step {
    /// A frame of this group and length, announced as so much longer.
    Append(usize, usize, usize),
    Take(usize, usize),
    Discard,
    Close,
}

/// Eight groups: two resources of two scopes each, and equal ones that are other objects.
fn groups() -> Vec<Arc<Group>> {
    let head = |tag: u8, text: &str| {
        let mut head = Region::new();
        head.bytes_field(tag.into(), text.as_bytes());
        head.into_vec()
    };
    (0..8)
        .map(|n| {
            Arc::new(Group {
                resource: head(0x0A, ["first", "second"][n & 1]),
                resource_schema: ["", "https://resource"][n & 1].into(),
                scope: head(0x0A, ["web", "database"][n >> 1 & 1]),
                scope_schema: ["https://scope", ""][n >> 1 & 1].into(),
                ..Group::default()
            })
        })
        .collect()
}

/// A frame that no other equals: its number, then its length in bytes.
fn content(number: u32, len: usize) -> Vec<u8> {
    let mut content = number.to_le_bytes().to_vec();
    content.resize(len.max(4), 0xAB);
    content
}

/// The request of these frames, made in a way of its own.
fn request(groups: &[Arc<Group>], frames: &[(usize, Vec<u8>)]) -> Vec<u8> {
    let mut out = Region::new();
    let mut resources: Vec<&Group> = Vec::new();
    for (group, _) in frames {
        let group = &*groups[*group];
        if !resources.iter().any(|known| known.resource == group.resource) {
            resources.push(group);
        }
    }
    for resource in resources {
        let open = out.open_short(0x0Au16);
        out.raw(&resource.resource);
        let members = || {
            frames
                .iter()
                .map(|(group, frame)| (&*groups[*group], frame))
                .filter(|(group, _)| group.resource == resource.resource)
        };
        let mut scopes: Vec<&Group> = Vec::new();
        for (group, _) in members() {
            if !scopes.contains(&group) {
                scopes.push(group);
            }
        }
        for scope in scopes {
            let open = out.open_short(0x12u16);
            out.raw(&scope.scope);
            for (_, frame) in members().filter(|(group, _)| *group == scope) {
                out.bytes_field(0x12, frame);
            }
            if !scope.scope_schema.is_empty() {
                out.bytes_field(0x1A, &scope.scope_schema);
            }
            out.close(open);
        }
        if !resource.resource_schema.is_empty() {
            out.bytes_field(0x1A, &resource.resource_schema);
        }
        out.close(open);
    }
    out.into_vec()
}

fn steps(longest: usize) -> impl Strategy<Value = Vec<Step>> {
    let most = || prop_oneof![1usize..6, Just(usize::MAX)];
    let step = prop_oneof![
        30 => (0usize..8, 4..longest, 0usize..200).prop_map(|(group, len, more)| Step::Append(group, len, more)),
        4 => (most(), prop_oneof![0usize..600, Just(usize::MAX)]).prop_map(|(frames, bytes)| Step::Take(frames, bytes)),
        1 => Just(Step::Discard),
    ];
    (vec(step, 0..120), any::<bool>()).prop_map(|(mut steps, closes)| {
        if closes {
            steps.insert(steps.len() / 2, Step::Close);
        }
        steps
    })
}

/// Runs the steps; after each the sum holds, and what waits is the newest that was not taken.
fn check(limits: Limits, steps: &[Step]) {
    let groups = groups();
    let (mut queue, lane) = Writer::new(Signal::Traces, limits).expect("fork handlers");
    let mut model: VecDeque<(usize, Vec<u8>)> = VecDeque::new();
    let (mut counts, mut is_closed, mut number) = (Counts::default(), false, 0);
    for step in steps {
        match *step {
            Step::Append(group, len, more) => {
                number += 1;
                let frame = content(number, len);
                let appended = queue.append(&groups[group], frame.len() + more, |out| out.raw(&frame));
                counts.accepted += 1;
                if is_closed {
                    assert_eq!(appended, Appended::Attend);
                    counts.closed += 1;
                } else {
                    assert_eq!(appended, Appended::Done);
                    model.push_back((group, frame));
                }
            }
            Step::Take(frames, bytes) => {
                let batch = lane.take(frames, bytes);
                assert_eq!(batch.is_some(), !model.is_empty());
                if let Some(batch) = batch {
                    let taken: Vec<_> = model.drain(..batch.frames()).collect();
                    assert!(taken.len() <= frames);
                    assert!(taken.len() == 1 || batch.request().len() <= bytes);
                    assert_eq!(batch.request().to_vec(), request(&groups, &taken));
                    assert_eq!(batch.request().len(), batch.request().to_vec().len());
                    counts.taken += taken.len() as u64;
                }
            }
            Step::Discard => {
                assert_eq!(lane.discard(), model.len() as u64);
                counts.closed += model.len() as u64;
                model.clear();
            }
            Step::Close => {
                lane.close();
                is_closed = true;
            }
        }
        let now = lane.counts();
        assert_eq!(now.accepted, now.taken + now.queued + now.full + now.closed);
        // The bounds take the oldest, and no more than they must by one chunk.
        let gone = usize::try_from(now.full - counts.full).expect("small");
        model.drain(..gone);
        counts.full = now.full;
        counts.queued = model.len() as u64;
        assert_eq!(now, counts);
        assert!(now.queued <= limits.frames as u64);
        if limits.frames != usize::MAX && !is_closed {
            assert!(gone <= 1);
            assert!(gone == 0 || now.queued == limits.frames as u64);
        }
        let waiting: usize = model.iter().map(|(_, frame)| framed(frame.len())).sum();
        // Where groups change there are two bytes more.
        let (bytes, most) = (lane.frame_bytes(), waiting + 2 * model.len());
        assert!((waiting..=most).contains(&bytes), "{bytes} for {waiting}");
        assert!(waiting <= limits.bytes);
    }
    // All that is said to wait comes, in order.
    if let Some(batch) = lane.take(usize::MAX, usize::MAX) {
        assert_eq!(batch.request().to_vec(), request(&groups, model.make_contiguous()));
    }
    assert_eq!((lane.counts().queued, lane.frame_bytes()), (0, 0));
}

fn framed(len: usize) -> usize {
    1 + spanwire_wire::varint::varint_len(len as u64) + len
}

proptest! {
    #[cfg_attr(miri, ignore = "takes minutes; `fixed_steps_obey_every_bound` runs instead")]
    #[test]
    fn unbounded_nothing_is_lost(steps in steps(400)) {
        check(Limits::default(), &steps);
    }

    #[cfg_attr(miri, ignore = "takes minutes; `fixed_steps_obey_every_bound` runs instead")]
    #[test]
    fn frames_longer_than_a_chunk_are_frames_like_others(lens in vec(prop_oneof![1usize..300, 60_000usize..140_000], 1..8)) {
        let mut steps: Vec<_> = lens.iter().enumerate().map(|(n, len)| Step::Append(n & 7, *len, n)).collect();
        steps.insert(lens.len() / 2, Step::Take(2, usize::MAX));
        check(Limits::default(), &steps);
    }

    #[cfg_attr(miri, ignore = "takes minutes; `fixed_steps_obey_every_bound` runs instead")]
    #[test]
    fn a_bound_in_frames_is_exact(frames in 1usize..12, steps in steps(200)) {
        check(Limits { bytes: usize::MAX, frames }, &steps);
    }

    #[cfg_attr(miri, ignore = "takes minutes; `fixed_steps_obey_every_bound` runs instead")]
    #[test]
    fn a_bound_in_bytes_holds_and_drops_the_oldest(bytes in 700usize..20_000, steps in steps(400)) {
        check(Limits { bytes, frames: usize::MAX }, &steps);
    }
}

/// The same without luck, short enough for Miri: steps that fill chunks, cross them, take parts and all, and empty the queue.
#[test]
fn fixed_steps_obey_every_bound() {
    const ALL: usize = usize::MAX;
    let append = |number: usize| Step::Append(number * 5 % 8, 4 + number * 37 % 190, number % 3 * 90);
    let mut steps: Vec<_> = (0..14).map(append).collect();
    steps.extend([
        Step::Take(3, ALL),
        Step::Append(2, 70_000, 0),
        Step::Append(2, 30_000, 20),
    ]);
    steps.extend([
        append(1),
        Step::Take(ALL, 400),
        Step::Append(3, 40_000, 0),
        Step::Take(2, ALL),
    ]);
    steps.extend((3..9).map(append).chain([Step::Discard]));
    steps.extend((5..16).map(append).chain([Step::Take(2, ALL), Step::Close]));
    steps.extend([append(4), Step::Take(4, 250), append(5)]);
    for (bytes, frames) in [(ALL, ALL), (ALL, 5), (1_500, ALL), (110_000, ALL)] {
        // What alone is over the bound has a test of its own.
        let fits = |step: &&Step| !matches!(step, Step::Append(_, len, _) if *len > bytes);
        let steps: Vec<_> = steps.iter().filter(fits).cloned().collect();
        check(Limits { bytes, frames }, &steps);
    }
}

#[test]
fn a_frame_longer_than_announced_is_kept_whole() {
    let groups = groups();
    let (mut queue, lane) = Writer::new(Signal::Traces, Limits::default()).expect("fork handlers");
    let long = vec![7; 100_000];
    let said = queue.append(&groups[0], 10, |out| out.raw(&long));
    assert_eq!(said, Appended::Done);
    let batch = lane.take(1, 1).expect("one");
    assert_eq!(batch.request().to_vec(), request(&groups, &[(0, long)]));
}

#[test]
fn a_frame_that_alone_is_over_the_bound_is_dropped_and_leaves_the_others() {
    let groups = groups();
    let (mut queue, lane) = Writer::new(
        Signal::Traces,
        Limits {
            bytes: 10_000,
            frames: usize::MAX,
        },
    )
    .expect("fork handlers");
    let small = queue.append(&groups[0], 100, |out| out.raw(&[1; 100]));
    let large = queue.append(&groups[0], 10_000, |out| out.raw(&[2; 10_000]));
    assert_eq!((small, large), (Appended::Done, Appended::Done));
    let counts = lane.counts();
    assert_eq!((counts.accepted, counts.queued, counts.full), (2, 1, 1));
}

#[test]
fn writing_that_panics_leaves_the_queue_as_it_was() {
    let groups = groups();
    let (mut queue, lane) = Writer::new(Signal::Traces, Limits::default()).expect("fork handlers");
    let _ = queue.append(&groups[0], 8, |out| out.raw(b"before"));
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = queue.append(&groups[1], 8, |out| {
            out.raw(b"half");
            panic!("in the middle");
        });
    }));
    assert!(caught.is_err());
    let _ = queue.append(&groups[0], 8, |out| out.raw(b"after"));
    let batch = lane.take(9, usize::MAX).expect("two");
    let frames = [(0, b"before".to_vec()), (0, b"after".to_vec())];
    assert_eq!(batch.request().to_vec(), request(&groups, &frames));
    assert_eq!(lane.counts().accepted, 2);
}

#[test]
fn a_burst_gives_its_memory_back_and_steady_work_needs_no_new() {
    let groups = groups();
    let (mut queue, lane) = Writer::new(Signal::Traces, Limits::default()).expect("fork handlers");
    let fill = |queue: &mut Writer, frames: usize| {
        for _ in 0..frames {
            let _ = queue.append(&groups[0], 1000, |out| out.raw(&[3; 1000]));
        }
        while lane.take(100, usize::MAX).is_some() {}
        lane.memory()
    };
    let burst = if cfg!(miri) { 1500 } else { 20_000 };
    let kept = fill(&mut queue, burst);
    assert!(kept <= 65 * (64 << 10), "{kept} bytes kept after a burst");
    for _ in 0..3 {
        assert_eq!(fill(&mut queue, 300), kept);
    }
}
