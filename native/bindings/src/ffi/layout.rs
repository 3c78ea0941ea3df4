//! How instances of the SDK's classes are read without running Python code or making their dict.
//!
//! Where each value stands is found once, on an instance whose every value is a sentinel ([`Layout::prove`]), in two ways:
//! - in the interpreter's own array of values ([`super::inline`]), where that is known and proved: the fastest;
//! - by the garbage collector's `tp_traverse`, which hands over every value in the order of the class's shared keys. Later a
//!   different number of values means: read it another way.
//!
//! A property patched on a class would be bypassed by this, so every class has a [`Guard`]: its version tag, which the
//! interpreter changes whenever the class or a base is changed.

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::inline;
use super::object::Ref;

/// No class of the SDK has more instance values.
const MOST_VALUES: usize = 32;
const VALID_VERSION_TAG: std::ffi::c_ulong = 1 << 19;

/// What `tp_traverse` handed over.
struct Snapshot {
    len: usize,
    /// The first `len`, if there are not too many, are set.
    values: [MaybeUninit<*mut ffi::PyObject>; MOST_VALUES],
}

extern "C" fn visit(object: *mut ffi::PyObject, snapshot: *mut c_void) -> c_int {
    // SAFETY: `snapshot` is what `take` passed to `tp_traverse`, which calls back only while `take` waits.
    let snapshot = unsafe { &mut *snapshot.cast::<Snapshot>() };
    if let Some(value) = snapshot.values.get_mut(snapshot.len) {
        value.write(object);
    }
    snapshot.len += 1;
    0
}

impl Snapshot {
    #[inline(always)]
    fn take(object: Ref<'_>) -> Self {
        let mut snapshot = Snapshot {
            len: 0,
            values: [const { MaybeUninit::uninit() }; MOST_VALUES],
        };
        // SAFETY: a live object's type is live, and `tp_traverse` only visits: it runs no Python code.
        unsafe {
            if let Some(traverse) = (*object.type_ptr()).tp_traverse {
                traverse(object.as_ptr(), visit, (&raw mut snapshot).cast());
            }
        }
        snapshot
    }

    /// Value `at`, if it was handed over.
    #[inline(always)]
    fn get<'a>(&self, at: usize) -> Option<Ref<'a>> {
        if at >= self.len {
            return None;
        }
        // SAFETY: those below `len` (or the array's end) were set, to live values that the instance owns.
        self.values
            .get(at)
            .map(|value| unsafe { Ref::new(value.assume_init()) })
    }
}

/// The version of a class: changes when the class or one of its bases is changed.
pub struct Guard {
    class: Py<PyAny>,
    version: Option<Version>,
}

/// The version tag and, in 3.10, where clearing the interpreter's type cache makes tags begin anew, [`dict_versions`].
type Version = (u32, u64);

/// The sum of the versions of the dicts of `class` and its bases. Each is a number never used before, so it only grows.
///
/// # Safety
/// `class` is a live type.
#[cfg(not(Py_3_11))]
unsafe fn dict_versions(class: *mut ffi::PyTypeObject) -> u64 {
    /// Where a dict keeps its version: word of the object.
    const VERSION: usize = 3;
    // SAFETY: a type that is ready has a tuple of its bases, which are types and have dicts.
    unsafe {
        let bases = (*class).tp_mro;
        (0..ffi::PyTuple_GET_SIZE(bases))
            .map(|at| (*ffi::PyTuple_GET_ITEM(bases, at).cast::<ffi::PyTypeObject>()).tp_dict)
            .map(|dict| *dict.cast::<u64>().add(VERSION))
            .fold(0, u64::wrapping_add)
    }
}

/// Not needed.
///
/// # Safety
/// None: it looks at nothing. It is unsafe as its namesake for 3.10 is.
#[cfg(Py_3_11)]
#[inline(always)]
const unsafe fn dict_versions(_: *mut ffi::PyTypeObject) -> u64 {
    0
}

impl Guard {
    /// Watches `class`, which must be a type.
    pub fn new(class: &Bound<'_, PyAny>) -> PyResult<Self> {
        class.cast::<pyo3::types::PyType>()?;
        let mut guard = Self {
            class: class.clone().unbind(),
            version: None,
        };
        guard.renew(class.py());
        Ok(guard)
    }

    /// Accepts the class as it is now.
    pub fn renew(&mut self, py: Python<'_>) {
        // A class gets a version when something is looked up on it.
        let looked_up = self.class.getattr(py, "__init__");
        self.version = looked_up.ok().and_then(|_| self.current());
    }

    /// Whether the class is as it was when last accepted.
    #[inline(always)]
    pub fn holds(&self) -> bool {
        self.version.is_some() && self.version == self.current()
    }

    #[inline(always)]
    pub fn type_ptr(&self) -> *mut ffi::PyTypeObject {
        self.class.as_ptr().cast()
    }

    #[inline(always)]
    fn current(&self) -> Option<Version> {
        // SAFETY: `class` is a type and owned; its version is a plain field.
        let (tag, flags) = unsafe { ((*self.type_ptr()).tp_version_tag, (*self.type_ptr()).tp_flags) };
        // Where tags ran out, a class has none and there is no fast path.
        let valid = tag != 0 && (cfg!(Py_3_13) || flags & VALID_VERSION_TAG != 0);
        // SAFETY: as above.
        valid.then(|| (tag, unsafe { dict_versions(self.type_ptr()) }))
    }
}

/// Where `N` named values of a class's instances stand.
pub struct Layout<const N: usize> {
    class: *mut ffi::PyTypeObject,
    /// Whether the interpreter's own array of values is read.
    inline: bool,
    /// How many values an instance has, its class included.
    count: usize,
    /// How many values an instance has of its own.
    own: usize,
    /// Two values, the first a dict: the instance's own, or its only value?
    ambiguous: bool,
    positions: [u8; N],
    names: [Py<PyString>; N],
}

// SAFETY: the type is owned by the guard of the same class; it is only compared.
unsafe impl<const N: usize> Send for Layout<N> {}
// SAFETY: as above; used only while the GIL is held.
unsafe impl<const N: usize> Sync for Layout<N> {}

impl<const N: usize> Layout<N> {
    /// Finds the values called `names` on `instance`, whose values must all be distinct objects; in the interpreter's own array only
    /// if `inline`.
    pub fn prove(instance: &Bound<'_, PyAny>, names: [&str; N], inline: bool) -> PyResult<Self> {
        let py = instance.py();
        let names = names.map(|name| PyString::intern(py, name));
        let mut values = Vec::with_capacity(N);
        for name in &names {
            values.push(instance.getattr(name)?);
        }
        // SAFETY: `instance` is owned by the caller and no Python code runs until all values were compared.
        let object = unsafe { Ref::new(instance.as_ptr()) };
        let snapshot = Snapshot::take(object);
        let mut positions = [0; N];
        for ((position, value), name) in positions.iter_mut().zip(&values).zip(&names) {
            let found = (0..snapshot.len).find(|&at| snapshot.get(at).is_some_and(|seen| seen.is(value.as_ptr())));
            *position = found
                .and_then(|found| u8::try_from(found).ok())
                // Where instances keep a dict, all is found there, by name.
                .or((snapshot.len == 2).then_some(0))
                .ok_or_else(|| PyRuntimeError::new_err(format!("value {name} of {instance} is not traversed")))?;
        }
        let own = match snapshot.get(0) {
            // The instance's dict, or its only value.
            Some(first) if snapshot.len == 2 && !values.iter().any(|value| first.is(value.as_ptr())) => {
                first.dict_len().unwrap_or_default()
            }
            _ => snapshot.len.saturating_sub(1),
        };
        let class = instance.get_type().as_type_ptr();
        let mut layout = Self {
            class,
            // SAFETY: the type of a live object.
            inline: inline && inline::KNOWN && unsafe { inline::has_values(class) },
            count: snapshot.len,
            own,
            ambiguous: snapshot.len == 2,
            positions,
            names: names.map(Bound::unbind),
        };
        let proved = layout
            .load_inline(object)
            .is_some_and(|found| found.iter().zip(&values).all(|(found, value)| found.is(value.as_ptr())));
        layout.inline = proved;
        Ok(layout)
    }

    /// Whether `object` is an instance of exactly this class.
    #[inline(always)]
    pub fn matches(&self, object: Ref<'_>) -> bool {
        ptr::eq(object.type_ptr(), self.class)
    }

    /// The named values of an instance of exactly this class, or nothing if they cannot be read this way.
    #[inline(always)]
    pub fn load<'a>(&self, object: Ref<'a>) -> Option<[Ref<'a>; N]> {
        if let Some(values) = self.load_inline(object) {
            return Some(values);
        }
        if !self.matches(object) {
            return None;
        }
        self.load_traversed(&Snapshot::take(object))
    }

    /// Whether [`Self::inline_values`] may answer.
    #[inline(always)]
    pub fn is_inline(&self) -> bool {
        self.inline
    }

    /// Where in the array of values the value named `index`-th stands.
    #[inline(always)]
    pub fn position(&self, index: usize) -> usize {
        self.positions[index].into()
    }

    /// The interpreter's own array of the values of an instance of exactly this class, if they stand there.
    #[inline(always)]
    pub fn inline_values(&self, object: Ref<'_>) -> Option<*mut *mut ffi::PyObject> {
        if !self.inline || !self.matches(object) {
            return None;
        }
        // SAFETY: known, and an exact instance of a class that has values.
        let values = unsafe { inline::values(object.as_ptr()) };
        // More values may shadow a method.
        // SAFETY: an array of values, as just found.
        (!values.is_null() && unsafe { inline::len(object.as_ptr(), values) } == self.own).then_some(values)
    }

    #[inline(always)]
    fn load_inline<'a>(&self, object: Ref<'a>) -> Option<[Ref<'a>; N]> {
        let values = self.inline_values(object)?;
        // SAFETY: positions are those of the class's keys, for which the array has room; what is not null is a live value that the
        // instance owns.
        unsafe {
            let found = self.positions.map(|at| *values.add(usize::from(at)));
            if found.iter().any(|value| value.is_null()) {
                return None;
            }
            Some(found.map(|value| Ref::new(value)))
        }
    }

    #[inline(never)]
    fn load_traversed<'a>(&self, snapshot: &Snapshot) -> Option<[Ref<'a>; N]> {
        if snapshot.len != self.count || self.ambiguous {
            return self.load_unusual(snapshot);
        }
        let mut values = [snapshot.get(0)?; N];
        for (value, &at) in values.iter_mut().zip(&self.positions) {
            *value = snapshot.get(at.into())?;
        }
        Some(values)
    }

    /// Instances whose dict was made: before 3.13 the dict replaces the values, since then it stands behind them.
    #[cold]
    fn load_unusual<'a>(&self, snapshot: &Snapshot) -> Option<[Ref<'a>; N]> {
        let dict_at = match snapshot.len {
            2 => 0,
            len if len == self.count + 1 && len <= MOST_VALUES => len - 2,
            _ => return None,
        };
        let dict = snapshot.get(dict_at)?;
        let (mut values, mut missing, mut next) = ([dict; N], N, 0);
        // Compared by address, since a look-up may run the `__eq__` of a key that hashes alike.
        for (key, value) in dict.entries()? {
            let is_key = |name: &Py<PyString>| key.is(name.as_ptr());
            let in_order = self.names.get(next).is_some_and(is_key).then_some(next);
            if let Some(at) = in_order.or_else(|| self.names.iter().position(is_key)) {
                values[at] = value;
                missing -= 1;
                next = at + 1;
            }
        }
        if missing > 0 {
            // Not the instance's dict, so its only value.
            return (self.ambiguous && N == 1).then_some(values);
        }
        let len = dict.dict_len()?;
        // More entries may shadow a method.
        (len == self.own).then_some(values)
    }
}
