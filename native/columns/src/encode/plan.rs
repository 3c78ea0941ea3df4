//! [`Plan`]: how long each span will be, which of them make a request, and the requests made.

use std::ops::Range;

use spanwire_wire::envelope::{self, Groups, Run};

use super::arena::{self, Block, Output, frame_len};
use super::cells::{BLOCK, Cells};
use super::op::{Op, Totals};
use super::order::{Heads, Order, Segment, order};
use super::source::{Ints, Spans};
use super::{compile, threads};
use crate::error::EncodeError;

/// Fewer rows are not worth a thread.
const ROWS_A_THREAD: usize = 2048;

/// The longest message that protobuf's parsers take.
const LONGEST: usize = i32::MAX as usize;

/// Most bytes of a header: a tag and a length below 2 GiB.
const HEADER: usize = 6;

/// In the place of a span's length: it is left out.
const SKIPPED: u32 = u32::MAX;

/// In the place of a sum: frames must be looked at one by one.
const MIXED: usize = usize::MAX;

/// What to do with a span that does not fit a request by itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Oversized {
    /// It is an error.
    Refuse,
    /// It is left out, and counted.
    Skip,
}

/// Requests that can be made of columns.
#[derive(Debug)]
pub struct Plan<'a> {
    fields: Vec<Op<'a>>,
    groups: Vec<Heads>,
    order: Order,
    /// Of each span's content, by position.
    lens: Vec<u32>,
    /// Bytes of the frames at each [`BLOCK`] of positions; [`MIXED`] where some are left out.
    sums: Vec<usize>,
    requests: Vec<Request>,
    skipped: usize,
}

/// One request.
#[derive(Debug, Default)]
struct Request {
    pieces: Vec<Piece>,
    spans: usize,
}

/// The spans of one scope in a request.
#[derive(Debug)]
struct Piece {
    group: usize,
    /// Left-out spans lie between.
    positions: Range<usize>,
    frames_len: usize,
}

impl Run for &Piece {
    fn bytes_len(&self) -> usize {
        self.frames_len
    }
}

impl<'a> Plan<'a> {
    /// Measures and checks all of the columns, and cuts them into requests of at most so many bytes.
    pub fn new(
        spans: &Spans<'a>,
        mut groups: Vec<Heads>,
        codes: Option<&Ints<'a>>,
        max_request: Option<usize>,
        oversized: Oversized,
        threads: usize,
    ) -> Result<Self, EncodeError> {
        if u32::try_from(spans.rows).is_err() {
            return Err(EncodeError::column(
                "spans",
                "there are more than 2^32: encode them in parts",
            ));
        }
        if groups.is_empty() {
            groups.push(Heads::default());
        }
        let fields = compile::spans(spans)?;
        let (order, segments) = order(&groups, codes, spans.rows)?;
        let mut plan = Self {
            fields,
            groups,
            order,
            lens: zeros(spans.rows),
            sums: vec![0; spans.rows.div_ceil(BLOCK)],
            requests: Vec::new(),
            skipped: 0,
        };
        plan.measure(threads)?;
        plan.cut(
            &segments,
            max_request.map_or(LONGEST, |most| most.min(LONGEST)),
            max_request.is_some(),
            oversized,
        )?;
        Ok(plan)
    }

    /// How many requests there are.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.requests.len()
    }

    /// How many spans a request has.
    ///
    /// # Panics
    /// If there is no such request.
    #[must_use]
    pub fn spans(&self, request: usize) -> usize {
        self.requests[request].spans
    }

    /// Spans left out because they do not fit a request.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// Makes requests, each in memory from `memory`.
    ///
    /// # Panics
    /// If there are no such requests.
    pub fn write(
        &self,
        requests: Range<usize>,
        threads: usize,
        mut memory: impl FnMut() -> Vec<u8>,
    ) -> Result<Vec<Vec<u8>>, EncodeError> {
        let (mut outputs, mut blocks) = (Vec::with_capacity(requests.len()), Vec::new());
        for request in &self.requests[requests] {
            outputs.push(self.lay_out(request, memory(), &mut blocks)?);
        }
        let threads = worth(blocks.len() * BLOCK, threads);
        arena::fill(&self.fields, &self.order, outputs, blocks, threads)
    }

    fn measure(&mut self, threads: usize) -> Result<(), EncodeError> {
        let threads = worth(self.lens.len(), threads);
        let (fields, order) = (&self.fields, &self.order);
        let chunks: Vec<(usize, &mut [u32], &mut usize)> = self
            .lens
            .chunks_mut(BLOCK)
            .zip(&mut self.sums)
            .enumerate()
            .map(|(index, (lens, sum))| (index * BLOCK, lens, sum))
            .collect();
        threads::each(chunks, threads, |chunks| {
            let mut cells: Vec<Cells> = fields.iter().map(|_| Cells::new()).collect();
            let mut rows = [0; BLOCK];
            for (start, lens, sum) in chunks {
                let rows = order.rows(start..start + lens.len(), &mut rows);
                let mut totals = Totals::new();
                for (field, cells) in fields.iter().zip(&mut cells) {
                    field.measure::<true>(rows, cells, &mut totals)?;
                }
                for (j, len) in lens.iter_mut().enumerate() {
                    *len = i32::try_from(totals.of(j))
                        .map_err(|_| EncodeError::value("span", rows[j] as usize, "it would be over 2 GiB"))?
                        .cast_unsigned();
                    *sum += frame_len(*len);
                }
            }
            Ok(())
        })
    }

    /// As many spans a request as surely fit: headers are counted with their longest lengths.
    fn cut(
        &mut self,
        segments: &[Segment],
        most: usize,
        is_limited: bool,
        oversized: Oversized,
    ) -> Result<(), EncodeError> {
        let mut request = Request::default();
        let mut len = 0;
        let mut resource: Option<usize> = None;
        for segment in segments {
            let heads = &self.groups[segment.group];
            let of_scope = 2 * HEADER + heads.scope.len() + heads.scope_schema.len();
            let of_resource = 2 * HEADER + heads.resource.len() + heads.resource_schema.len();
            let mut is_open = false;
            let mut positions = segment.positions.clone();
            while let Some(position) = positions.next() {
                // What goes on in the scope that is open: all but the first span, mostly.
                if is_open && let Some(piece) = request.pieces.last_mut() {
                    let (fit, bytes) = self.fitting(position..positions.end, most - len);
                    piece.positions.end = position + fit;
                    piece.frames_len += bytes;
                    len += bytes;
                    request.spans += fit;
                    if fit > 0 {
                        positions.start = position + fit;
                        continue;
                    }
                }
                let frame = frame_len(self.lens[position]);
                if of_resource + of_scope + frame > most {
                    if !is_limited {
                        return Err(EncodeError::RequestTooLarge(of_resource + of_scope + frame));
                    }
                    if oversized == Oversized::Refuse {
                        return Err(self.too_large(position, frame, most));
                    }
                    self.lens[position] = SKIPPED;
                    self.sums[position / BLOCK] = MIXED;
                    self.skipped += 1;
                    if is_open && let Some(piece) = request.pieces.last_mut() {
                        piece.positions.end = position + 1;
                    }
                    continue;
                }
                let is_same_resource = resource.is_some_and(|open| self.is_same_resource(open, segment.group));
                let heads_len = if is_open { 0 } else { of_scope } + if is_same_resource { 0 } else { of_resource };
                if len + heads_len + frame > most {
                    if !is_limited {
                        return Err(EncodeError::RequestTooLarge(self.total()));
                    }
                    self.requests.push(std::mem::take(&mut request));
                    (len, resource, is_open) = (0, None, false);
                }
                if resource.is_none_or(|open| !self.is_same_resource(open, segment.group)) {
                    resource = Some(segment.group);
                    len += of_resource;
                }
                if !is_open {
                    is_open = true;
                    len += of_scope;
                    request.pieces.push(Piece {
                        group: segment.group,
                        positions: position..position,
                        frames_len: 0,
                    });
                }
                if let Some(piece) = request.pieces.last_mut() {
                    piece.positions.end = position + 1;
                    piece.frames_len += frame;
                }
                len += frame;
                request.spans += 1;
            }
        }
        if request.spans > 0 {
            self.requests.push(request);
        }
        Ok(())
    }

    /// How many of the spans at these positions fit into so many bytes, and how many bytes they take.
    fn fitting(&self, positions: Range<usize>, most: usize) -> (usize, usize) {
        let (mut at, mut bytes) = (positions.start, 0);
        while at < positions.end {
            // All of a block at once, where that fits.
            if at.is_multiple_of(BLOCK)
                && at + BLOCK <= positions.end
                && let sum = self.sums[at / BLOCK]
                && sum <= most - bytes
            {
                (at, bytes) = (at + BLOCK, bytes + sum);
                continue;
            }
            let frame = frame_len(self.lens[at]);
            if frame > most - bytes {
                break;
            }
            (at, bytes) = (at + 1, bytes + frame);
        }
        (at - positions.start, bytes)
    }

    fn total(&self) -> usize {
        self.lens.iter().map(|&len| frame_len(len)).sum()
    }

    #[cold]
    fn too_large(&self, position: usize, frame: usize, most: usize) -> EncodeError {
        let mut rows = [0; BLOCK];
        let row = self.order.rows(position..position + 1, &mut rows)[0] as usize;
        let why = format!("its {frame} bytes and the heads do not fit max_request_bytes={most}");
        EncodeError::value("span", row, why)
    }

    fn is_same_resource(&self, one: usize, other: usize) -> bool {
        let (one, other) = (&self.groups[one], &self.groups[other]);
        std::ptr::eq(one, other) || (one.resource == other.resource && one.resource_schema == other.resource_schema)
    }

    /// Writes the heads and lends rooms for the spans.
    fn lay_out(&self, request: &Request, memory: Vec<u8>, blocks: &mut Vec<Block>) -> Result<Output, EncodeError> {
        let of_one_resource = || {
            let pieces = &request.pieces;
            pieces.chunk_by(|one, other| self.is_same_resource(one.group, other.group))
        };
        // Where each row has heads of its own this is some hundred bytes a row.
        let no_memory = |_| EncodeError::NoMemory(request.pieces.iter().map(|piece| piece.frames_len).sum());
        let mut envelope =
            Groups::try_with_capacity(of_one_resource().count(), request.pieces.len()).map_err(no_memory)?;
        for pieces in of_one_resource() {
            let heads = &self.groups[pieces[0].group];
            let head = (&*heads.resource, &*heads.resource_schema);
            let resource = envelope.try_add_resource(head, pieces.len()).map_err(no_memory)?;
            for piece in pieces {
                let heads = &self.groups[piece.group];
                let scope = envelope.add_scope(resource, (&*heads.scope, &*heads.scope_schema));
                envelope.add((resource, scope), piece);
            }
        }
        let mut output = Output::new(memory, envelope.request_len())?;
        let rooms = request.pieces.iter().map(|piece| self.rooms(piece)).sum();
        blocks.try_reserve(rooms).map_err(no_memory)?;
        envelope.write(&mut |part| match part {
            envelope::Piece::Bytes(bytes) => output.put(bytes),
            envelope::Piece::Run(piece) => self.lend(piece, &mut output, blocks),
        });
        Ok(output)
    }

    /// As many blocks as [`lend`](Self::lend) makes of a piece, at most.
    fn rooms(&self, piece: &Piece) -> usize {
        let Range { start, end } = piece.positions;
        if start == end {
            return 0;
        }
        let skipped = if self.skipped == 0 {
            0
        } else {
            self.lens[start..end].iter().filter(|&&len| len == SKIPPED).count()
        };
        (end - 1) / BLOCK - start / BLOCK + 1 + skipped
    }

    /// Blocks begin where the measured ones did, or behind what is left out.
    fn lend(&self, piece: &Piece, output: &mut Output, blocks: &mut Vec<Block>) {
        let mut at = piece.positions.start;
        while at < piece.positions.end {
            let end = piece.positions.end.min((at / BLOCK + 1) * BLOCK);
            let sum = self.sums[at / BLOCK];
            if sum != MIXED && end - at == BLOCK {
                let room = output.lend(sum);
                blocks.push(Block {
                    positions: at..end,
                    room,
                });
            } else {
                let mut start = at;
                for lens in self.lens[at..end].split(|&len| len == SKIPPED) {
                    let positions = start..start + lens.len();
                    start = positions.end + 1;
                    if !lens.is_empty() {
                        let room = output.lend(lens.iter().map(|&len| frame_len(len)).sum());
                        blocks.push(Block { positions, room });
                    }
                }
            }
            at = end;
        }
    }
}

/// So many zeros, in memory whose pages do not cost more than what is done with them.
fn zeros(len: usize) -> Vec<u32> {
    let mut zeros = Vec::with_capacity(len);
    crate::ffi::prefer_huge_pages(zeros.spare_capacity_mut());
    zeros.resize(len, 0);
    zeros
}

/// Threads that are worth it for so many rows.
fn worth(rows: usize, threads: usize) -> usize {
    threads.clamp(1, (rows / ROWS_A_THREAD).max(1))
}
