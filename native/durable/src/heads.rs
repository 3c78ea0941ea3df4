//! How groups lie in a block: each a CRC-32, the length of what follows, then its four parts, each with its length. The CRC is also of the
//! block's number and the group's in it: what lay there before, or at another place, is none of this block.

use spanwire_queue::Group;

const PREFIX: usize = 8;

/// The bytes of the group `index` of the block `number`.
pub fn encode(group: &Group, number: u64, index: u32) -> Vec<u8> {
    let mut bytes = vec![0; PREFIX];
    for part in [
        &group.resource,
        &group.resource_schema,
        &group.scope,
        &group.scope_schema,
    ] {
        let len = u32::try_from(part.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&len.to_le_bytes());
        bytes.extend_from_slice(part);
    }
    let sum = checksum(number, index, &bytes[PREFIX..]);
    let len = u32::try_from(bytes.len() - PREFIX).unwrap_or(u32::MAX);
    bytes[..4].copy_from_slice(&sum.to_le_bytes());
    bytes[4..8].copy_from_slice(&len.to_le_bytes());
    bytes
}

fn checksum(number: u64, index: u32, content: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&number.to_le_bytes());
    sum.update(&index.to_le_bytes());
    sum.update(content);
    sum.finalize()
}

/// The groups of the block `of` in order; `None` for one that is damaged. It ends where the length of one cannot be right.
pub fn decode_all(mut bytes: &[u8], of: u64) -> Vec<Option<Group>> {
    let mut groups = Vec::new();
    while let Some((prefix, rest)) = bytes.split_first_chunk::<PREFIX>() {
        let (sum, len) = prefix.split_at(4);
        let len = number(len) as usize;
        let Some((content, rest)) = rest.split_at_checked(len) else {
            break;
        };
        let index = u32::try_from(groups.len()).unwrap_or(u32::MAX);
        let is_whole = number(sum) == checksum(of, index, content);
        groups.push(if is_whole { decode(content) } else { None });
        bytes = rest;
    }
    groups
}

fn decode(mut content: &[u8]) -> Option<Group> {
    let mut part = || {
        let (len, rest) = content.split_first_chunk::<4>()?;
        let (part, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        content = rest;
        Some(part.to_vec())
    };
    let group = Group {
        resource: part()?,
        resource_schema: part()?,
        scope: part()?,
        scope_schema: part()?,
        ..Group::default()
    };
    content.is_empty().then_some(group)
}

fn number(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn groups() -> impl Strategy<Value = Vec<Group>> {
        let part = || prop::collection::vec(any::<u8>(), 0..50);
        let group =
            (part(), part(), part(), part()).prop_map(|(resource, resource_schema, scope, scope_schema)| Group {
                resource,
                resource_schema,
                scope,
                scope_schema,
                ..Group::default()
            });
        prop::collection::vec(group, 0..10)
    }

    fn encoded(groups: &[Group]) -> Vec<u8> {
        (0..)
            .zip(groups)
            .flat_map(|(index, group)| encode(group, 7, index))
            .collect()
    }

    #[test]
    fn what_is_of_another_block_or_place_is_none_of_this() {
        let two = [Group::default(), Group::default()];
        let bytes = encoded(&two);
        assert_eq!(decode_all(&bytes, 8), [None, None]);
        assert_eq!(decode_all(&bytes[bytes.len() / 2..], 7), [None]);
    }

    proptest! {
        #[test]
        fn groups_come_back(groups in groups()) {
            prop_assert_eq!(decode_all(&encoded(&groups), 7), groups.into_iter().map(Some).collect::<Vec<_>>());
        }

        #[test]
        fn a_flipped_bit_is_seen(groups in groups(), at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let mut bytes = encoded(&groups);
            prop_assume!(!bytes.is_empty());
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let found = decode_all(&bytes, 7);
            prop_assert!(found.iter().zip(&groups).any(|(found, group)| found.as_ref() != Some(group)) || found.len() < groups.len());
            prop_assert!(found.iter().flatten().all(|group| groups.contains(group)));
        }

        #[test]
        fn whatever_comes_is_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode_all(&bytes, 7);
        }
    }
}
