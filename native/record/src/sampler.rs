//! [`Sampler`]: always on, always off, ratio, and each of them by where the parent is and what it decided.

use crate::SpanContext;

/// What becomes of a span.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Decision {
    /// Ids only.
    Drop,
    /// Recorded for processors, not exported.
    RecordOnly,
    /// Recorded and exported.
    RecordAndSample,
}

/// How one kind of span is decided.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rule {
    /// Always the same.
    Always(Decision),
    /// Sampled if the low 64 bits of the trace id are below this number, else dropped.
    Below(u64),
}

impl Rule {
    /// The rule of a pair (mode, bound): 0 off, 1 record and sample, 2 record only, 3 the share `bound` / 2**64. None if it is
    /// no pair that has a meaning.
    #[must_use]
    pub fn from_pair(mode: u8, bound: u128) -> Option<Self> {
        match mode {
            0 => Some(Self::Always(Decision::Drop)),
            1 => Some(Self::Always(Decision::RecordAndSample)),
            2 => Some(Self::Always(Decision::RecordOnly)),
            3 if bound == 1 << 64 => Some(Self::Always(Decision::RecordAndSample)),
            3 => u64::try_from(bound).ok().map(Self::Below),
            _ => None,
        }
    }

    #[inline]
    fn decide(self, trace_id: &[u8; 16]) -> Decision {
        match self {
            Self::Always(decision) => decision,
            Self::Below(bound) => {
                let (_, low) = trace_id.split_last_chunk::<8>().expect("eight of sixteen bytes");
                if u64::from_be_bytes(*low) < bound {
                    Decision::RecordAndSample
                } else {
                    Decision::Drop
                }
            }
        }
    }
}

/// Five rules, one of which applies to a span.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sampler {
    /// No parent.
    pub root: Rule,
    /// The parent is in another process and sampled.
    pub remote_sampled: Rule,
    /// The parent is in another process and not sampled.
    pub remote_not_sampled: Rule,
    /// The parent is in this process and sampled.
    pub local_sampled: Rule,
    /// The parent is in this process and not sampled.
    pub local_not_sampled: Rule,
}

impl Sampler {
    /// One that does not look at the parent.
    #[must_use]
    pub const fn same(rule: Rule) -> Self {
        Self {
            root: rule,
            remote_sampled: rule,
            remote_not_sampled: rule,
            local_sampled: rule,
            local_not_sampled: rule,
        }
    }

    /// One rule each, in the order of the fields; None if a pair has no meaning.
    #[must_use]
    pub fn from_pairs(pairs: [(u8, u128); 5]) -> Option<Self> {
        let [
            root,
            remote_sampled,
            remote_not_sampled,
            local_sampled,
            local_not_sampled,
        ] = pairs.map(|(mode, bound)| Rule::from_pair(mode, bound));
        Some(Self {
            root: root?,
            remote_sampled: remote_sampled?,
            remote_not_sampled: remote_not_sampled?,
            local_sampled: local_sampled?,
            local_not_sampled: local_not_sampled?,
        })
    }

    /// Decides on a span of `trace_id` with that (valid) parent.
    #[must_use]
    #[inline]
    pub fn decide(&self, parent: Option<&SpanContext>, trace_id: &[u8; 16]) -> Decision {
        let rule = match parent {
            None => self.root,
            Some(parent) => match (parent.is_remote != 0, parent.is_sampled()) {
                (true, true) => self.remote_sampled,
                (true, false) => self.remote_not_sampled,
                (false, true) => self.local_sampled,
                (false, false) => self.local_not_sampled,
            },
        };
        rule.decide(trace_id)
    }
}

#[cfg(test)]
mod tests {
    use super::{Decision, Rule, Sampler};
    use crate::SpanContext;

    fn parent(is_remote: bool, sampled: bool) -> SpanContext {
        SpanContext {
            flags: 2 | u8::from(sampled),
            is_remote: is_remote.into(),
            ..SpanContext::default()
        }
    }

    #[test]
    fn each_kind_of_parent_has_its_own_rule() {
        let pairs = [(1, 0), (2, 0), (0, 0), (3, 5), (3, 1 << 64)];
        let sampler = Sampler::from_pairs(pairs).unwrap();
        let decide = |parent: Option<SpanContext>| sampler.decide(parent.as_ref(), &[0; 16]);
        assert_eq!(decide(None), Decision::RecordAndSample);
        assert_eq!(decide(Some(parent(true, true))), Decision::RecordOnly);
        assert_eq!(decide(Some(parent(true, false))), Decision::Drop);
        assert_eq!(decide(Some(parent(false, true))), Decision::RecordAndSample);
        let high = sampler.decide(Some(&parent(false, true)), &[0xFF; 16]);
        assert_eq!(high, Decision::Drop);
        let high = sampler.decide(Some(&parent(false, false)), &[0xFF; 16]);
        assert_eq!(high, Decision::RecordAndSample);
    }

    #[test]
    fn a_ratio_looks_at_the_low_64_bits_only() {
        let sampler = Sampler::same(Rule::from_pair(3, 0x100).unwrap());
        let mut id = [0xFF; 16];
        id[8..].copy_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0xFF]);
        assert_eq!(sampler.decide(None, &id), Decision::RecordAndSample);
        id[14] = 1;
        id[15] = 0;
        assert_eq!(sampler.decide(None, &id), Decision::Drop);
        assert_eq!(sampler.decide(Some(&parent(true, true)), &id), Decision::Drop);
    }

    #[test]
    fn the_ends_of_a_ratio_are_never_and_always() {
        let never = Rule::from_pair(3, 0).unwrap();
        let always = Rule::from_pair(3, 1 << 64).unwrap();
        for id in [[0; 16], [0xFF; 16]] {
            assert_eq!(never.decide(&id), Decision::Drop);
            assert_eq!(always.decide(&id), Decision::RecordAndSample);
        }
    }

    #[test]
    fn pairs_without_a_meaning_make_no_sampler() {
        assert_eq!(Rule::from_pair(4, 0), None);
        assert_eq!(Rule::from_pair(3, (1 << 64) + 1), None);
        assert_eq!(Sampler::from_pairs([(0, 0), (0, 0), (9, 0), (0, 0), (0, 0)]), None);
    }
}
