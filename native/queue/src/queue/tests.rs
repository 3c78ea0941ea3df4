//! Who is told and woken when; forks.

use std::time::{Duration, Instant};

use super::*;

fn queue() -> (FrameQueue, Arc<Group>) {
    let queue = FrameQueue::new(Limits::default()).expect("fork handlers");
    (queue, Arc::new(Group::default()))
}

fn append(queue: &mut FrameQueue, group: &Arc<Group>) -> Appended {
    queue.append(group, 10, |out| out.raw(&[1; 10]))
}

#[test]
fn whoever_appends_is_told_until_one_caller_has_started_a_reader() {
    let (mut queue, group) = queue();
    assert_eq!(append(&mut queue, &group), Appended::Done);
    queue.want_reader();
    assert_eq!(append(&mut queue, &group), Appended::Attend);
    assert!(queue.begin_reader() && !queue.begin_reader());
    assert_eq!(append(&mut queue, &group), Appended::Done);
    assert!(queue.may_sleep(10, 1000));
    queue.end_reader();
    assert_eq!(append(&mut queue, &group), Appended::Attend);
}

#[test]
fn a_reader_is_woken_once_by_what_waits_and_does_not_sleep_when_it_was_nudged_before() {
    let (mut queue, group) = queue();
    queue.want_reader();
    assert!(queue.begin_reader());
    queue.wake(); // before it is there
    assert!(!queue.may_sleep(2, 1000));
    assert!(queue.may_sleep(2, 1000));
    let _ = append(&mut queue, &group);
    assert!(queue.wake_at.is_some());
    let _ = append(&mut queue, &group);
    assert!(queue.wake_at.is_none());
    let begin = Instant::now();
    thread::park_timeout(Duration::from_secs(60)); // the token is there
    assert!(begin.elapsed() < Duration::from_secs(60));
    assert!(!queue.may_sleep(2, 1000)); // enough waits
    assert!(!queue.may_sleep(3, 20));
    let _ = queue.take(9, 9999);
    assert!(queue.may_sleep(2, 1000));
}

#[test]
fn frames_are_done_with_when_the_reader_says_so() {
    let (mut queue, group) = queue();
    assert!(queue.is_done(0));
    let _ = append(&mut queue, &group);
    assert_eq!(queue.gone(), 0);
    assert!(!queue.is_done(1) && !queue.is_done(1));
    assert_eq!(queue.waiting.len(), 1);
    let _ = queue.take(1, 1);
    assert_eq!(queue.gone(), 1);
    assert!(!queue.is_done(1));
    queue.set_done(1);
    assert!(queue.is_done(1) && queue.waiting.is_empty());
}

#[test]
fn drops_are_told_once() {
    let (mut queue, group) = queue();
    queue.limits.spans = 1;
    for _ in 0..3 {
        let _ = append(&mut queue, &group);
    }
    assert_eq!(queue.take_dropped(), (2, 0));
    queue.close();
    let _ = append(&mut queue, &group);
    queue.discard();
    assert_eq!((queue.take_dropped(), queue.take_dropped()), ((0, 2), (0, 0)));
}

#[cfg(not(miri))]
#[test]
fn a_forked_child_has_an_empty_queue_and_no_reader_and_the_parent_keeps_its_own() {
    let (mut queue, group) = queue();
    queue.want_reader();
    assert!(queue.begin_reader() && queue.may_sleep(9, 999));
    for _ in 0..3 {
        let _ = append(&mut queue, &group);
    }
    let good = ffi::fork_and_wait(|| {
        queue.counts() == Counts::default()
            && queue.take(9, 9999).is_none()
            && append(&mut queue, &group) == Appended::Attend
            && queue.begin_reader()
            && queue.take(9, 9999).is_some_and(|batch| batch.spans == 1)
            && queue.counts().accepted == 1
    });
    assert!(good);
    let counts = queue.counts();
    assert_eq!((counts.accepted, counts.queued), (3, 3));
}
