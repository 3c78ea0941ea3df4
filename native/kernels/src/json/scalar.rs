//! Plain: byte by byte.

use alloc::vec::Vec;

#[inline(always)]
pub const fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Whether one of eight bytes needs an escape.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[inline(always)]
pub const fn word_needs_escape(word: u64) -> bool {
    const fn each(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    // A borrow comes out of a byte that is too small, and goes only into those above it: whether there is one is exact.
    const fn below(word: u64, least: u8) -> u64 {
        word.wrapping_sub(each(least)) & !word & each(0x80)
    }
    (below(word, 0x20) | below(word ^ each(b'"'), 1) | below(word ^ each(b'\\'), 1)) != 0
}

pub fn first_escape(text: &[u8]) -> usize {
    text.iter().position(|&byte| needs_escape(byte)).unwrap_or(text.len())
}

/// Appends the escape of a byte that needs one.
pub fn escape(byte: u8, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0C => b'f',
        b'\r' => b'r',
        _ => {
            let digit = |nibble: u8| DIGITS[usize::from(nibble & 15)];
            return out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte)]);
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}
