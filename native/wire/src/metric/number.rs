//! [`Number`]: what a data point or an exemplar measured.

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// An integer.
    Int(i64),
    /// A double.
    Double(f64),
}

impl Number {
    pub(super) const fn int(bits: u64) -> Self {
        Self::Int(bits.cast_signed())
    }

    pub(super) const fn double(bits: u64) -> Self {
        Self::Double(f64::from_bits(bits))
    }
}
