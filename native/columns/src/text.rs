//! Text: UTF-8 of code points, and what is wrong where it is none.

use spanwire_kernels::{transcode, utf8};

/// Whether `bytes` are UTF-8.
#[must_use]
#[inline]
pub fn is_utf8(bytes: &[u8]) -> bool {
    utf8::validate(bytes)
}

/// What is wrong with bytes that are no UTF-8.
#[must_use]
#[cold]
pub fn why_not_utf8(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(_) => "it was changed meanwhile".to_owned(),
        Err(error) => format!(
            "no UTF-8 at byte {}: use Binary for bytes that are no text",
            error.valid_up_to()
        ),
    }
}

/// Appends code points as UTF-8; what is wrong if one of them is none.
pub fn push_ucs4(points: &[u32], out: &mut Vec<u8>) -> Result<(), String> {
    transcode::ucs4(points, out).map_err(|_| {
        let bad = points.iter().find(|&&point| char::from_u32(point).is_none());
        match bad {
            Some(point @ 0xD800..0xE000) => format!("lone surrogate U+{point:04X}, which UTF-8 cannot hold"),
            Some(point) => format!("{point:#x} is no code point"),
            None => "it was changed meanwhile".to_owned(),
        }
    })
}
