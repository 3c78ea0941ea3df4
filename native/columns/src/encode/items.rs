//! Making [`Items`]: events, links and ragged attributes, any number of them for each row.

use spanwire_wire::arena::Region;

use super::cells::BLOCK;
use super::op::{ANY_VALUE, ItemKind, Items, KEY};
use crate::error::EncodeError;

/// Bytes that the items of a block's rows may have together.
const MOST: usize = i32::MAX as usize;

impl Items<'_> {
    /// Makes the items of a block's rows in `bytes`, and tells `take` of each row's place in the block, and where its items are.
    pub fn make(
        &self,
        rows: &[u32],
        bytes: &mut Vec<u8>,
        mut take: impl FnMut(usize, *const u8, u32),
    ) -> Result<(), EncodeError> {
        let (mut scratch, mut ends) = (Vec::new(), [0; BLOCK]);
        bytes.clear();
        let mut out = Region::from(std::mem::take(bytes));
        let mut made = Ok(());
        for (end, &row) in ends.iter_mut().zip(rows) {
            made = self.append(row as usize, &mut out, &mut scratch);
            // Values may be views of one huge text: that must end before memory does.
            if made.is_ok() && out.len() > MOST {
                let why = format!("with those of the rows before, its items are over {MOST} bytes: encode fewer rows");
                made = Err(EncodeError::value(&self.name, row as usize, why));
            }
            if made.is_err() {
                break;
            }
            *end = out.len();
        }
        *bytes = out.into_vec();
        made?;
        let mut start = 0;
        for (j, &end) in ends[..rows.len().min(BLOCK)].iter().enumerate() {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "all rows together have no more than MOST"
            )]
            take(j, bytes.as_ptr().wrapping_add(start), (end - start) as u32);
            start = end;
        }
        Ok(())
    }

    /// Appends the items of one row.
    pub fn append(&self, row: usize, out: &mut Region, scratch: &mut Vec<u8>) -> Result<(), EncodeError> {
        let (start, end) = (self.offsets.get(row), self.offsets.get(row + 1));
        let range = match (usize::try_from(start), usize::try_from(end)) {
            (Ok(from), Ok(to)) if from <= to && to <= self.count => from..to,
            _ => {
                let why = format!("its offsets say {start}:{end}, and there are {} items", self.count);
                return Err(EncodeError::value(&self.name, row, why));
            }
        };
        for at in range {
            match &self.kind {
                ItemKind::Messages { tag, fields } => {
                    let message = out.open_short(*tag);
                    for field in fields {
                        field.append(at, out, scratch)?;
                    }
                    out.close(message);
                }
                ItemKind::Attributes {
                    tag,
                    keys,
                    value_tag,
                    value,
                } => {
                    let message = out.open_short(*tag);
                    if let Some(key) = keys.get(at, scratch)? {
                        spanwire_wire::write::bytes_field(out, KEY, key);
                    }
                    let any = out.open_short(ANY_VALUE);
                    // Without a value it is OTLP's null.
                    value.append(*value_tag, at, out, scratch)?;
                    out.close(any);
                    out.close(message);
                }
            }
        }
        Ok(())
    }
}
