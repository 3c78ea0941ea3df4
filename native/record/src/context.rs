//! [`SpanContext`]: the ids of a span and what a child needs to know of it.

/// Ids in wire order (big end first), flags, and where the span is. Laid out as the C table has it.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[repr(C)]
pub struct SpanContext {
    /// The trace.
    pub trace_id: [u8; 16],
    /// The span.
    pub span_id: [u8; 8],
    /// W3C trace flags: 1 sampled, 2 random.
    pub flags: u8,
    /// Of a parent or a link's target: 1 if it is in another process.
    pub is_remote: u8,
    /// Fills the structure up; always 0.
    pub unused: [u8; 6],
}

impl SpanContext {
    /// W3C: this span, or one of the trace, is recorded.
    pub const SAMPLED: u8 = 1;

    /// Whether the sampled flag is set.
    #[must_use]
    #[inline]
    pub const fn is_sampled(&self) -> bool {
        self.flags & Self::SAMPLED != 0
    }

    /// `Span.flags` and `Link.flags` of OTLP: the trace flags of `self`, and whether `other` (the parent; of a link, its
    /// target) is remote.
    #[must_use]
    #[inline]
    pub(crate) const fn wire_flags(&self, other: Option<&Self>) -> u32 {
        use spanwire_wire::tag::flags::{CONTEXT_HAS_IS_REMOTE, CONTEXT_IS_REMOTE};
        let remote = match other {
            Some(other) if other.is_remote != 0 => CONTEXT_IS_REMOTE,
            _ => 0,
        };
        CONTEXT_HAS_IS_REMOTE | remote | self.flags as u32
    }
}

#[cfg(test)]
mod tests {
    use super::SpanContext;

    #[test]
    fn the_layout_is_the_tables() {
        assert_eq!((size_of::<SpanContext>(), align_of::<SpanContext>()), (32, 1));
        assert_eq!(std::mem::offset_of!(SpanContext, span_id), 16);
        assert_eq!(std::mem::offset_of!(SpanContext, flags), 24);
        assert_eq!(std::mem::offset_of!(SpanContext, is_remote), 25);
    }

    #[test]
    fn wire_flags_are_the_spans_own_and_say_where_the_parent_is() {
        let own = SpanContext {
            flags: 3,
            is_remote: 1,
            ..SpanContext::default()
        };
        let (near, far) = (
            SpanContext::default(),
            SpanContext {
                is_remote: 1,
                flags: 1,
                ..SpanContext::default()
            },
        );
        assert_eq!(own.wire_flags(None), 0x103);
        assert_eq!(own.wire_flags(Some(&near)), 0x103);
        assert_eq!(own.wire_flags(Some(&far)), 0x303);
    }
}
