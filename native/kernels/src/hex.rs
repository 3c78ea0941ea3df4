//! Ids as hex. Too short for a choice at run time: written by a loop without a branch, of which compilers make vectors even for the oldest
//! machine; read eight digits at a time in a register.

/// Lowercase hex digits of `bytes`: `D` must be `2 * N`.
#[must_use]
#[inline]
pub fn encode<const N: usize, const D: usize>(bytes: &[u8; N]) -> [u8; D] {
    const { assert!(D == 2 * N) };
    let digit = |nibble: u8| nibble + b'0' + (u8::from(nibble > 9) * (b'a' - b'9' - 1));
    let mut digits = [0; D];
    for (pair, &byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
        *pair = [digit(byte >> 4), digit(byte & 15)];
    }
    digits
}

/// The bytes that hex digits of either case stand for; none if another character is among them.
#[must_use]
#[inline]
pub fn decode<const N: usize, const D: usize>(digits: &[u8; D]) -> Option<[u8; N]> {
    const { assert!(D == 2 * N && N.is_multiple_of(4)) };
    let mut bytes = [0; N];
    let mut good = u64::MAX;
    for (four, eight) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(digits.as_chunks::<8>().0) {
        let (value, is_good) = eight_digits(u64::from_le_bytes(*eight));
        *four = value.to_le_bytes();
        good &= is_good;
    }
    (good & HIGH == HIGH).then_some(bytes)
}

const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

const HIGH: u64 = each(0x80);

/// Four bytes of eight digits, and the high bit of each byte that is a digit.
#[inline(always)]
const fn eight_digits(text: u64) -> (u32, u64) {
    // Bytes below 128 can be compared all at once: the high bit of their sum with 128 - n is whether they are n or more.
    let low = text & !HIGH;
    let (number, letter) = (low, low | each(0x20));
    let is_number = (number + each(0x80 - b'0')) & !(number + each(0x80 - b'9' - 1));
    let is_letter = (letter + each(0x80 - b'a')) & !(letter + each(0x80 - b'f' - 1));
    // The low four bits of a number are its value, of a letter one less than nine below it.
    let values = (text & each(0x0F)) + 9 * (text >> 6 & each(1));
    // First digits are the high halves, and stand in the lower bytes.
    let pairs = (values << 4 | values >> 8) & 0x00FF_00FF_00FF_00FF;
    let pairs = (pairs | pairs >> 8) & 0x0000_FFFF_0000_FFFF;
    #[expect(clippy::cast_possible_truncation, reason = "the halves that are wanted")]
    let four = (pairs | pairs >> 16) as u32;
    (four, (is_number | is_letter) & !text & HIGH)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As the standard library formats and reads numbers.
    #[track_caller]
    fn same(bytes: [u8; 16], letters: &str) {
        let text = format!("{:032x}", u128::from_be_bytes(bytes));
        assert_eq!(encode::<16, 32>(&bytes), text.as_bytes());
        assert_eq!(decode::<16, 32>(&encode(&bytes)), Some(bytes));
        let upper: [u8; 32] = encode(&bytes).map(|digit: u8| digit.to_ascii_uppercase());
        assert_eq!(decode(&upper), Some(bytes));
        let half: [u8; 8] = *bytes.first_chunk().expect("16 bytes");
        assert_eq!(encode::<8, 16>(&half), text.as_bytes()[..16]);
        if let Some(digits) = letters.as_bytes().first_chunk::<16>() {
            let expected = letters.is_char_boundary(16).then(|| &letters[..16]);
            let expected = expected.filter(|text| text.bytes().all(|digit| digit.is_ascii_hexdigit()));
            let expected = expected.and_then(|text| u64::from_str_radix(text, 16).ok());
            assert_eq!(decode::<8, 16>(digits), expected.map(u64::to_be_bytes));
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "long, and nothing unsafe in it")]
    fn every_byte_and_every_character_at_every_place() {
        for byte in 0..=0xFF_u8 {
            same([byte; 16], "");
            for at in 0..16 {
                let mut digits = *b"0123456789abCDef";
                digits[at] = byte;
                let expected = char::from(byte).to_digit(16);
                assert_eq!(
                    decode::<8, 16>(&digits).is_some(),
                    expected.is_some(),
                    "{byte:x} at {at}"
                );
            }
        }
    }

    proptest! {
        #[test]
        #[cfg_attr(miri, ignore = "making texts of a pattern takes minutes there")]
        fn any_id(bytes: [u8; 16], digits in "[0-9a-fA-F]{16}", letters in "\\PC{16,20}") {
            same(bytes, &digits);
            same(bytes, &letters);
        }
    }
}
