//! Where memory ends, laying out a request is an error, not an abort.

#![allow(clippy::unwrap_used, reason = "a test: it may fail")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use spanwire_columns::EncodeError;
use spanwire_columns::encode::source::{Attributes, Column, Ints, Spans, Texts, Values};
use spanwire_columns::encode::{Heads, Oversized, Plan};

/// Rows, each with heads of its own.
const ROWS: usize = 20_000;
/// Allocations from this size on are counted: those in proportion to the rows.
const LARGE: usize = 256 << 10;

/// Refuses one large allocation.
struct Scarce;

/// Large allocations until the one that is refused; 0 for none.
static UNTIL: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Scarce = Scarce;

// SAFETY: all is the system's allocator's, but for an answer of null, which says that there is no memory.
unsafe impl GlobalAlloc for Scarce {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let counted = |left: usize| left.checked_sub(1);
        if layout.size() >= LARGE && UNTIL.fetch_update(Ordering::SeqCst, Ordering::SeqCst, counted) == Ok(1) {
            return std::ptr::null_mut();
        }
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[test]
#[cfg_attr(miri, ignore = "long, and about memory")]
fn no_memory_for_a_layout_is_an_error() {
    let (ids, times) = (vec![1; ROWS * 16], vec![1; ROWS]);
    let names = vec![b'n'; ROWS];
    let spans = Spans {
        rows: ROWS,
        trace_id: ids.as_slice().into(),
        span_id: ids[..ROWS * 8].into(),
        parent_span_id: None,
        trace_state: None,
        name: Column {
            name: "name".to_owned(),
            values: Values::Str(Texts::Fixed {
                data: names.as_slice().into(),
                width: 1,
            }),
            mask: None,
        },
        kind: None,
        start: times.as_slice().into(),
        end: times.as_slice().into(),
        attributes: Attributes::default(),
        events: None,
        dropped_events: None,
        links: None,
        dropped_links: None,
        status_code: None,
        status_message: None,
        flags: None,
    };
    let heads = (0..ROWS).map(|row| Heads {
        resource: format!("\n\u{6}{row:06}").into_bytes().into(),
        ..Heads::default()
    });
    let codes: Vec<i64> = (0..ROWS).map(|row| row.try_into().unwrap()).collect();
    let codes = Ints::I64(codes.as_slice().into());
    let plan = Plan::new(&spans, heads.collect(), Some(&codes), None, Oversized::Refuse, 1).unwrap();
    let written = plan.write(0..1, 1, Vec::new).unwrap();
    // Resources, runs, the request, blocks.
    for refused in 1..=4 {
        UNTIL.store(refused, Ordering::SeqCst);
        let outcome = plan.write(0..1, 1, Vec::new);
        assert_eq!(UNTIL.swap(0, Ordering::SeqCst), 0, "allocation {refused} was made");
        assert!(
            matches!(outcome, Err(EncodeError::NoMemory(_))),
            "allocation {refused}: {outcome:?}"
        );
    }
    assert!(plan.write(0..1, 1, Vec::new).unwrap() == written);
}
