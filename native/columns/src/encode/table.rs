//! [`Table`]: byte strings made once, of which rows choose.

/// The length of what is not there.
pub(crate) const ABSENT: u32 = u32::MAX;

/// Byte strings, one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Table {
    bytes: Vec<u8>,
    entries: Vec<(usize, u32)>,
}

impl Table {
    /// Appends what `write` appends as one more entry.
    pub fn add<E>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        let start = self.bytes.len();
        write(&mut self.bytes)?;
        let len = u32::try_from(self.bytes.len() - start).unwrap_or(ABSENT);
        self.entries.push((start, len));
        Ok(())
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Where an entry lies and how long it is, valid as long as the table is not added to.
    ///
    /// # Panics
    /// If there is no such entry.
    #[inline(always)]
    pub fn get(&self, index: usize) -> (*const u8, u32) {
        let (start, len) = self.entries[index];
        (self.bytes.as_ptr().wrapping_add(start), len)
    }

    /// The same, if there is such an entry.
    #[inline(always)]
    pub fn find(&self, index: usize) -> Option<(*const u8, u32)> {
        let &(start, len) = self.entries.get(index)?;
        Some((self.bytes.as_ptr().wrapping_add(start), len))
    }

    /// An entry.
    pub fn entry(&self, index: usize) -> &[u8] {
        let (start, len) = self.entries[index];
        &self.bytes[start..start + len as usize]
    }
}
