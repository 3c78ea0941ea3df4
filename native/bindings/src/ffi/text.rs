//! [`RawText`]: characters that the façade hands over, as Python holds them.

use std::ffi::c_void;
use std::ptr::NonNull;

use super::object::Text;

/// `SpanwireText` of `spanwire_api.h`: borrowed characters; how many, shifted by two, and in the low bits of what kind.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct RawText {
    data: *const c_void,
    length: usize,
}

impl RawText {
    /// The characters, if they are UTF-8 as they stand.
    ///
    /// # Safety
    /// As [`get`](Self::get).
    #[inline(always)]
    pub unsafe fn utf8<'a>(self) -> Option<&'a [u8]> {
        if self.length & 3 != 0 {
            return None;
        }
        let data = NonNull::new(self.data.cast_mut().cast()).unwrap_or(NonNull::dangling());
        // SAFETY: by the caller's promise; there is always memory where there are characters.
        Some(unsafe { std::slice::from_raw_parts(data.as_ptr(), self.length >> 2) })
    }

    /// The characters.
    ///
    /// # Safety
    /// `data` points at as many characters of that kind as `length` says (anywhere, if there are none), which nobody changes
    /// during `'a`; what is said to be UTF-8 is.
    pub unsafe fn get<'a>(self) -> Text<'a> {
        let len = self.length >> 2;
        if len == 0 {
            return Text::Ascii(&[]);
        }
        // SAFETY: by the caller's promise.
        unsafe {
            match self.length & 3 {
                0 => Text::Ascii(std::slice::from_raw_parts(self.data.cast(), len)),
                1 => Text::Latin1(std::slice::from_raw_parts(self.data.cast(), len)),
                2 => Text::Ucs2(std::slice::from_raw_parts(self.data.cast(), len)),
                _ => Text::Ucs4(std::slice::from_raw_parts(self.data.cast(), len)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf8<T>(data: &[T], kind: usize) -> Option<Vec<u8>> {
        let raw = RawText {
            data: data.as_ptr().cast(),
            length: data.len() << 2 | kind,
        };
        let mut scratch = Vec::new();
        // SAFETY: each test gives the kind that its slice has.
        let text = unsafe { raw.get() };
        text.utf8(&mut scratch).ok().map(<[u8]>::to_vec)
    }

    fn in_place(data: &[u8], kind: usize) -> Option<&[u8]> {
        let raw = RawText {
            data: data.as_ptr().cast(),
            length: data.len() << 2 | kind,
        };
        // SAFETY: as above.
        unsafe { raw.utf8() }
    }

    #[test]
    fn each_kind_becomes_utf8() {
        assert_eq!(utf8("héé".as_bytes(), 0).as_deref(), Some("héé".as_bytes()));
        assert_eq!(in_place("héé".as_bytes(), 0), Some("héé".as_bytes()));
        assert_eq!(in_place(&[b'h', 0xE9], 1), None);
        assert_eq!(utf8(&[b'h', 0xE9], 1).as_deref(), Some("hé".as_bytes()));
        assert_eq!(utf8(&[0x68_u16, 0x20AC], 2).as_deref(), Some("h€".as_bytes()));
        assert_eq!(utf8(&[0x1F600_u32], 3).as_deref(), Some("😀".as_bytes()));
    }

    #[test]
    fn a_lone_surrogate_is_no_text() {
        assert_eq!(utf8(&[0xD800_u16, 0x68], 2), None);
        assert_eq!(utf8(&[0x1F600_u32, 0xDFFF], 3), None);
    }

    #[test]
    fn no_characters_need_no_memory() {
        let nothing = RawText {
            data: std::ptr::null(),
            length: 2,
        };
        // SAFETY: there are no characters.
        assert!(matches!(unsafe { nothing.get() }, Text::Ascii([])));
        let nothing = RawText { length: 0, ..nothing };
        // SAFETY: as above.
        assert_eq!(unsafe { nothing.utf8() }, Some(&[][..]));
    }
}
