//! [`Ref`]: a borrowed Python object whose insides are read without running Python code.
//!
//! Invariant: a `Ref` lives only while the GIL is held and something owns the object, and no Python code runs as long as it is
//! used: nothing here calls back, allocates Python objects or changes a reference count.

use std::marker::PhantomData;
use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;
use spanwire_kernels::transcode;

/// A borrowed object; `'a` is the time in which no Python code runs.
#[derive(Clone, Copy)]
pub struct Ref<'a> {
    ptr: *mut ffi::PyObject,
    alive: PhantomData<&'a ffi::PyObject>,
}

/// The bytes of a `str` as the interpreter holds them.
#[derive(Clone, Copy)]
pub enum Text<'a> {
    /// ASCII: UTF-8 as it stands.
    Ascii(&'a [u8]),
    /// Code points up to U+00FF, not all ASCII.
    Latin1(&'a [u8]),
    /// Code points up to U+FFFF, lone surrogates included.
    Ucs2(&'a [u16]),
    /// Any code points, lone surrogates included.
    Ucs4(&'a [u32]),
}

/// The exact builtin type of a value, or what is left for the general path.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    None,
    Bool,
    Str,
    Int,
    Float,
    Bytes,
    Tuple,
    List,
    Dict,
    Other,
}

impl<'a> Ref<'a> {
    /// # Safety
    /// `ptr` is a live object for `'a`, the GIL is held and no Python code runs during `'a`.
    #[inline(always)]
    pub unsafe fn new(ptr: *mut ffi::PyObject) -> Self {
        debug_assert!(!ptr.is_null());
        Self {
            ptr,
            alive: PhantomData,
        }
    }

    #[inline(always)]
    pub fn as_ptr(self) -> *mut ffi::PyObject {
        self.ptr
    }

    #[inline(always)]
    pub fn is(self, other: *mut ffi::PyObject) -> bool {
        ptr::eq(self.ptr, other)
    }

    #[inline(always)]
    pub fn is_none(self) -> bool {
        // SAFETY: the address of a static object.
        self.is(unsafe { ffi::Py_None() })
    }

    /// `True`, `False` or neither.
    #[inline(always)]
    pub fn as_bool(self) -> Option<bool> {
        // SAFETY: addresses of static objects.
        let (yes, no) = unsafe { (ffi::Py_True(), ffi::Py_False()) };
        if self.is(yes) {
            Some(true)
        } else if self.is(no) {
            Some(false)
        } else {
            None
        }
    }

    #[inline(always)]
    pub fn type_ptr(self) -> *mut ffi::PyTypeObject {
        // SAFETY: a live object has a type.
        unsafe { ffi::Py_TYPE(self.ptr) }
    }

    #[inline(always)]
    fn has_flag(self, flag: std::ffi::c_ulong) -> bool {
        // SAFETY: a live object's type is live.
        unsafe { ffi::PyType_HasFeature(self.type_ptr(), flag) != 0 }
    }

    /// In the order in which the SDK's encoder asks: subclasses of str, int, float and bytes count as these; containers are
    /// exact, since a subclass may iterate otherwise.
    #[inline(always)]
    pub fn kind(self) -> Kind {
        let kind = self.type_ptr();
        let (text, int) = (&raw mut ffi::PyUnicode_Type, &raw mut ffi::PyLong_Type);
        let (float, boolean) = (&raw mut ffi::PyFloat_Type, &raw mut ffi::PyBool_Type);
        if ptr::eq(kind, text) {
            Kind::Str
        } else if ptr::eq(kind, int) {
            Kind::Int
        } else if ptr::eq(kind, float) {
            Kind::Float
        } else if ptr::eq(kind, boolean) {
            Kind::Bool
        } else {
            self.rare_kind()
        }
    }

    fn rare_kind(self) -> Kind {
        // SAFETY: `ptr` is a live object; these only read type flags.
        unsafe {
            if self.is_none() {
                Kind::None
            } else if ffi::PyUnicode_Check(self.ptr) != 0 {
                Kind::Str
            } else if ffi::PyLong_Check(self.ptr) != 0 {
                Kind::Int
            } else if ffi::PyFloat_Check(self.ptr) != 0 {
                Kind::Float
            } else if ffi::PyBytes_Check(self.ptr) != 0 {
                Kind::Bytes
            } else if ffi::PyTuple_CheckExact(self.ptr) != 0 {
                Kind::Tuple
            } else if ffi::PyList_CheckExact(self.ptr) != 0 {
                Kind::List
            } else if ffi::PyDict_CheckExact(self.ptr) != 0 {
                Kind::Dict
            } else {
                Kind::Other
            }
        }
    }

    /// The text of a `str` or subclass.
    #[inline(always)]
    pub fn text(self) -> Option<Text<'a>> {
        if !self.has_flag(ffi::Py_TPFLAGS_UNICODE_SUBCLASS) {
            return None;
        }
        // SAFETY: it is a str; compact ASCII means `length` bytes of data. They live as long as the object.
        unsafe {
            #[cfg(not(Py_3_12))]
            if ffi::PyUnicode_READY(self.ptr) != 0 {
                ffi::PyErr_Clear();
                return None;
            }
            let len = ffi::PyUnicode_GET_LENGTH(self.ptr).cast_unsigned();
            let data = ffi::PyUnicode_DATA(self.ptr);
            // 3.14 does not tell whether a str is ASCII, so its bytes are looked at.
            #[cfg(not(Py_3_14))]
            let ascii = ffi::PyUnicode_IS_ASCII(self.ptr) != 0;
            #[cfg(Py_3_14)]
            let ascii =
                ffi::PyUnicode_KIND(self.ptr) == 1 && std::slice::from_raw_parts(data.cast::<u8>(), len).is_ascii();
            if ascii {
                return Some(Text::Ascii(std::slice::from_raw_parts(data.cast(), len)));
            }
            Some(match ffi::PyUnicode_KIND(self.ptr) {
                1 => Text::Latin1(std::slice::from_raw_parts(data.cast(), len)),
                2 => Text::Ucs2(std::slice::from_raw_parts(data.cast(), len)),
                _ => Text::Ucs4(std::slice::from_raw_parts(data.cast(), len)),
            })
        }
    }

    /// The value of a float or subclass.
    #[inline(always)]
    pub fn float(self) -> f64 {
        debug_assert_eq!(self.kind(), Kind::Float);
        // SAFETY: only called on what `kind()` says is a float, whose value is a plain field.
        unsafe { ffi::PyFloat_AS_DOUBLE(self.ptr) }
    }

    /// The content of a bytes object or subclass.
    pub fn bytes(self) -> &'a [u8] {
        debug_assert_eq!(self.kind(), Kind::Bytes);
        // SAFETY: only called on what `kind()` says is bytes; its content is immutable and lives as long as the object.
        unsafe {
            let len = ffi::Py_SIZE(self.ptr).cast_unsigned();
            std::slice::from_raw_parts(ffi::PyBytes_AS_STRING(self.ptr).cast(), len)
        }
    }

    /// Item `index` of a tuple or subclass that has it.
    #[inline(always)]
    pub fn tuple_item(self, index: usize) -> Option<Ref<'a>> {
        if !self.has_flag(ffi::Py_TPFLAGS_TUPLE_SUBCLASS) {
            return None;
        }
        // SAFETY: it is a tuple and the index is below its size; it owns its items.
        unsafe {
            let index = index.cast_signed();
            if index >= ffi::PyTuple_GET_SIZE(self.ptr) {
                return None;
            }
            Some(Ref::new(ffi::PyTuple_GET_ITEM(self.ptr, index)))
        }
    }

    /// The items of an exact tuple or list.
    pub fn items(self) -> Option<Items<'a>> {
        // SAFETY: checked to be an exact tuple or list; the items are owned by it and nobody changes it during `'a`.
        unsafe {
            let (items, len) = match self.kind() {
                Kind::Tuple => (
                    (&raw mut (*self.ptr.cast::<ffi::PyTupleObject>()).ob_item).cast(),
                    ffi::Py_SIZE(self.ptr),
                ),
                Kind::List => ((*self.ptr.cast::<ffi::PyListObject>()).ob_item, ffi::Py_SIZE(self.ptr)),
                _ => return None,
            };
            Some(Items {
                next: items,
                left: len.cast_unsigned(),
                alive: PhantomData,
            })
        }
    }

    /// The entries of an exact dict, in order.
    #[inline(always)]
    pub fn entries(self) -> Option<Entries<'a>> {
        // SAFETY: reads the type of a live object.
        if unsafe { ffi::PyDict_CheckExact(self.ptr) } == 0 {
            return None;
        }
        Some(Entries {
            dict: self.ptr,
            position: 0,
            alive: PhantomData,
        })
    }

    /// How many entries an exact dict has.
    pub fn dict_len(self) -> Option<usize> {
        // SAFETY: checked to be an exact dict.
        unsafe { (ffi::PyDict_CheckExact(self.ptr) != 0).then(|| ffi::PyDict_Size(self.ptr).cast_unsigned()) }
    }
}

impl<'a> Text<'a> {
    /// The text of an owned str: immutable, so it stays valid whatever Python code runs.
    pub fn of(text: &'a Bound<'_, PyString>) -> Option<Self> {
        // SAFETY: owned for `'a`, and what is read of a str never changes.
        unsafe { Ref::new(text.as_ptr()) }.text()
    }
}

/// Items of a tuple or list.
pub struct Items<'a> {
    next: *mut *mut ffi::PyObject,
    left: usize,
    alive: PhantomData<&'a ffi::PyObject>,
}

impl<'a> Iterator for Items<'a> {
    type Item = Ref<'a>;

    #[inline]
    fn next(&mut self) -> Option<Ref<'a>> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        // SAFETY: `left` counts the items that `next` still points at, all of them live.
        unsafe {
            let item = *self.next;
            self.next = self.next.add(1);
            Some(Ref::new(item))
        }
    }
}

/// Entries of a dict.
pub struct Entries<'a> {
    dict: *mut ffi::PyObject,
    position: ffi::Py_ssize_t,
    alive: PhantomData<&'a ffi::PyObject>,
}

impl<'a> Iterator for Entries<'a> {
    type Item = (Ref<'a>, Ref<'a>);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        let (mut key, mut value) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: an exact dict that nobody changes meanwhile, which owns keys and values.
        unsafe {
            if ffi::PyDict_Next(self.dict, &raw mut self.position, &raw mut key, &raw mut value) == 0 {
                return None;
            }
            Some((Ref::new(key), Ref::new(value)))
        }
    }
}

/// Room for the UTF-8 of a short text: one with a third as many code units.
pub const SHORT_UTF8: usize = 96;

#[inline(always)]
fn into_room(room: &mut [u8; SHORT_UTF8], units: impl Iterator<Item = u16>, count: usize) -> Option<&[u8]> {
    if count > SHORT_UTF8 / 3 {
        return None;
    }
    let mut at = 0;
    for unit in units {
        // The bits of `encode_utf8`, without its match on every length. The low byte is what is meant.
        let part = |shift: u32| 0x80 | (unit >> shift & 0x3F).to_le_bytes()[0];
        if unit < 0x80 {
            room[at] = unit.to_le_bytes()[0];
            at += 1;
        } else if unit < 0x800 {
            room[at..at + 2].copy_from_slice(&[part(6) ^ 0x40, part(0)]);
            at += 2;
        } else if matches!(unit, 0xD800..=0xDFFF) {
            return None;
        } else {
            room[at..at + 3].copy_from_slice(&[0xE0 | (part(12) & 0x0F), part(6), part(0)]);
            at += 3;
        }
    }
    Some(&room[..at])
}

/// A lone surrogate: not representable in UTF-8.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LoneSurrogate;

impl<'a> Text<'a> {
    /// UTF-8, in `scratch` unless the text is ASCII and needs no copy.
    #[inline(always)]
    pub fn utf8<'s>(self, scratch: &'s mut Vec<u8>) -> Result<&'s [u8], LoneSurrogate>
    where
        'a: 's,
    {
        match self {
            Text::Ascii(bytes) => Ok(bytes),
            _ => self.transcode(scratch),
        }
    }

    /// UTF-8 in `room` if the text is short and has only code points up to U+FFFF; none also if it has lone surrogates.
    #[inline]
    pub fn short_utf8(self, room: &mut [u8; SHORT_UTF8]) -> Option<&[u8]> {
        match self {
            Text::Latin1(units) => into_room(room, units.iter().map(|&unit| unit.into()), units.len()),
            Text::Ucs2(units) => into_room(room, units.iter().copied(), units.len()),
            Text::Ascii(_) | Text::Ucs4(_) => None,
        }
    }

    /// UTF-8 with U+FFFD for each lone surrogate.
    pub fn utf8_lossy<'s>(self, scratch: &'s mut Vec<u8>) -> &'s [u8]
    where
        'a: 's,
    {
        if let Text::Ascii(bytes) = self {
            return bytes;
        }
        if self.transcode(scratch).is_err() {
            self.replace(scratch);
        }
        scratch
    }

    #[inline(never)]
    fn transcode(self, scratch: &mut Vec<u8>) -> Result<&[u8], LoneSurrogate> {
        scratch.clear();
        match self {
            Text::Ascii(units) | Text::Latin1(units) => transcode::latin1(units, scratch),
            Text::Ucs2(units) => transcode::ucs2(units, scratch),
            Text::Ucs4(units) => transcode::ucs4(units, scratch),
        }
        .map_err(|_| LoneSurrogate)?;
        Ok(scratch)
    }

    /// UTF-8 with replacements, of a text that has lone surrogates: so it is of two or four bytes a unit.
    #[cold]
    fn replace(self, scratch: &mut Vec<u8>) {
        let mut push = |unit: u32| {
            let point = char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER);
            scratch.extend_from_slice(point.encode_utf8(&mut [0; 4]).as_bytes());
        };
        match self {
            Text::Ascii(_) | Text::Latin1(_) => {}
            Text::Ucs2(units) => units.iter().for_each(|&unit| push(unit.into())),
            Text::Ucs4(units) => units.iter().for_each(|&unit| push(unit)),
        }
    }
}
