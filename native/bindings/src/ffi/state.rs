//! What spans share: ids, the pool of records, and scratch buffers. The GIL is their lock.

use pyo3::Python;
use spanwire_record::{Clock, Ids, Pool, SpanRecord, Status};
use spanwire_wire::arena::Region;

use super::gil::GilCell;
use super::object::Text;
use crate::encode::drops::{self, Drop};

/// What a scratch buffer keeps between calls, bytes.
const KEEP: usize = 64 << 10;

/// Memory for what cannot be written in place, kept between calls.
pub struct Scratch {
    /// A key that is not ASCII.
    pub key: Vec<u8>,
    /// A text that is not ASCII.
    pub text: Vec<u8>,
    /// Encoded values.
    pub encoded: Region,
}

static CLOCK: GilCell<Clock> = GilCell::new(Clock::system());
static IDS: GilCell<Option<Ids>> = GilCell::new(None);
static POOL: GilCell<Pool> = GilCell::new(Pool::new());
static SCRATCH: GilCell<Scratch> = GilCell::new(Scratch {
    key: Vec::new(),
    text: Vec::new(),
    encoded: Region::new(),
});

/// Nanoseconds since the Unix epoch.
#[inline(always)]
pub fn now(py: Python<'_>) -> u64 {
    CLOCK.with(py, Clock::now)
}

/// From now on spans get their times from this one.
pub fn set_clock(py: Python<'_>, clock: Clock) {
    CLOCK.with(py, |old| *old = clock);
}

/// Whether times are counted between two looks at the system's clock.
pub fn is_counting(py: Python<'_>) -> bool {
    CLOCK.with(py, |clock| clock.is_counting())
}

/// The generator of ids.
#[inline(always)]
pub fn with_ids<R>(py: Python<'_>, work: impl FnOnce(&mut Ids) -> R) -> R {
    IDS.with(py, |ids| work(ids.get_or_insert_with(Ids::new)))
}

/// A record to begin a span in.
#[inline(always)]
pub fn take_record(py: Python<'_>) -> Box<SpanRecord> {
    POOL.with(py, Pool::take)
}

/// Gives a record back.
#[inline(always)]
pub fn give_record(py: Python<'_>, record: Box<SpanRecord>) {
    POOL.with(py, |pool| pool.give(record));
}

/// How many records wait for their next span.
pub fn pooled_records(py: Python<'_>) -> usize {
    POOL.with(py, |pool| pool.len())
}

/// Lends the scratch buffers, emptied; what is large is given back afterwards.
#[inline(never)]
pub fn with_scratch<R>(py: Python<'_>, work: impl FnOnce(&mut Scratch) -> R) -> R {
    SCRATCH.with(py, |scratch| {
        let result = work(scratch);
        scratch.clear();
        result
    })
}

impl Scratch {
    fn clear(&mut self) {
        for buffer in [&mut self.key, &mut self.text] {
            buffer.clear();
            buffer.shrink_to(KEEP);
        }
        self.encoded.clear(KEEP);
    }
}

/// UTF-8 of a name or message, in `scratch` unless it is there already; lone surrogates become U+FFFD (counted).
pub fn lossy<'s>(text: Text<'s>, scratch: &'s mut Vec<u8>) -> (&'s [u8], Status) {
    let status = if text.utf8(scratch).is_ok() {
        Status::OK
    } else {
        drops::count(Drop::Field);
        Status::LOSSY
    };
    // Transcoded a second time, which only rare texts pay.
    (text.utf8_lossy(scratch), status)
}
