//! [`Prefix`]: what stands in front of each message.

/// Whether a message is compressed, and its length.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Prefix {
    /// 0: the message is as it is; 1: it is compressed. Other values are malformed.
    pub flag: u8,
    /// Bytes of the message behind the prefix.
    pub length: u32,
}

impl Prefix {
    /// Bytes of a prefix.
    pub const SIZE: usize = 5;

    /// As it is on the wire.
    #[must_use]
    pub fn encode(self) -> [u8; Self::SIZE] {
        let [a, b, c, d] = self.length.to_be_bytes();
        [self.flag, a, b, c, d]
    }

    /// From the wire.
    #[must_use]
    pub fn decode([flag, length @ ..]: [u8; Self::SIZE]) -> Self {
        Self {
            flag,
            length: u32::from_be_bytes(length),
        }
    }

    /// The one message in `body`, as it is; `None` if it is compressed, or if there is not exactly one.
    #[must_use]
    pub fn strip(body: &[u8]) -> Option<&[u8]> {
        let (prefix, message) = body.split_first_chunk()?;
        let Self { flag, length } = Self::decode(*prefix);
        (flag == 0 && usize::try_from(length) == Ok(message.len())).then_some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_holds_exactly_one_message_that_is_not_compressed() {
        assert_eq!(Prefix::strip(&[0, 0, 0, 0, 2, 7, 8]), Some(&[7, 8][..]));
        assert_eq!(Prefix::strip(&[0, 0, 0, 0, 0]), Some(&[][..]));
        for wrong in [
            &[][..],
            &[0, 0, 0, 0],
            &[1, 0, 0, 0, 0],
            &[0, 0, 0, 0, 2, 7],
            &[0, 0, 0, 0, 0, 0],
        ] {
            assert_eq!(Prefix::strip(wrong), None);
        }
    }

    #[test]
    fn a_prefix_reads_back() {
        for length in [0, 1, 258, u32::MAX] {
            for flag in [0, 1, 255] {
                let prefix = Prefix { flag, length };
                assert_eq!(Prefix::decode(prefix.encode()), prefix);
            }
        }
        assert_eq!(Prefix { flag: 1, length: 258 }.encode(), [1, 0, 0, 1, 2]);
    }
}
