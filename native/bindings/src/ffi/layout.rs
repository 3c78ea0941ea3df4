//! How instances of the SDK's classes are read without running Python code: by the garbage collector's `tp_traverse`.
//!
//! `tp_traverse` hands over every instance value in the order of the class's shared keys, without making the instance's dict.
//! Where each value stands is found once, on an instance whose every value is a sentinel ([`Layout::prove`]). Later a
//! different number of values, or a different type of the class, means: read it another way.
//!
//! A property patched on a class would be bypassed by this, so every class has a [`Guard`]: its version tag, which the
//! interpreter changes whenever the class or a base is changed.

use std::ffi::{c_int, c_void};
use std::ptr;

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::object::Ref;

/// No class of the SDK has more instance values.
const MOST_VALUES: usize = 32;
const VALID_VERSION_TAG: std::ffi::c_ulong = 1 << 19;

/// What `tp_traverse` handed over.
struct Snapshot {
    len: usize,
    values: [*mut ffi::PyObject; MOST_VALUES],
}

extern "C" fn visit(object: *mut ffi::PyObject, snapshot: *mut c_void) -> c_int {
    // SAFETY: `snapshot` is what `take` passed to `tp_traverse`, which calls back only while `take` waits.
    let snapshot = unsafe { &mut *snapshot.cast::<Snapshot>() };
    if let Some(value) = snapshot.values.get_mut(snapshot.len) {
        *value = object;
    }
    snapshot.len += 1;
    0
}

impl Snapshot {
    #[inline(always)]
    fn take(object: Ref<'_>) -> Self {
        let mut snapshot = Snapshot {
            len: 0,
            values: [ptr::null_mut(); MOST_VALUES],
        };
        // SAFETY: a live object's type is live, and `tp_traverse` only visits: it runs no Python code.
        unsafe {
            if let Some(traverse) = (*object.type_ptr()).tp_traverse {
                traverse(object.as_ptr(), visit, (&raw mut snapshot).cast());
            }
        }
        snapshot
    }
}

/// The version of a class: changes when the class or one of its bases is changed.
pub struct Guard {
    class: Py<PyAny>,
    version: Option<u32>,
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
    fn current(&self) -> Option<u32> {
        // SAFETY: `class` is a type and owned; its version is a plain field.
        let (tag, flags) = unsafe { ((*self.type_ptr()).tp_version_tag, (*self.type_ptr()).tp_flags) };
        (tag != 0 && (cfg!(Py_3_13) || flags & VALID_VERSION_TAG != 0)).then_some(tag)
    }
}

/// Where `N` named values of a class's instances stand.
pub struct Layout<const N: usize> {
    class: *mut ffi::PyTypeObject,
    /// How many values an instance has, its class included.
    count: usize,
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
    /// Finds the values called `names` on `instance`, whose values must all be distinct objects.
    pub fn prove(instance: &Bound<'_, PyAny>, names: [&str; N]) -> PyResult<Self> {
        let py = instance.py();
        let names = names.map(|name| PyString::intern(py, name));
        let mut values = Vec::with_capacity(N);
        for name in &names {
            values.push(instance.getattr(name)?);
        }
        // SAFETY: `instance` is owned by the caller and no Python code runs until the snapshot was compared.
        let snapshot = Snapshot::take(unsafe { Ref::new(instance.as_ptr()) });
        let seen = &snapshot.values[..snapshot.len.min(MOST_VALUES)];
        let mut positions = [0; N];
        for ((position, value), name) in positions.iter_mut().zip(&values).zip(&names) {
            let found = seen.iter().position(|&seen| ptr::eq(seen, value.as_ptr()));
            *position = found
                .and_then(|found| u8::try_from(found).ok())
                // Where instances keep a dict, all is found there, by name.
                .or((seen.len() == 2).then_some(0))
                .ok_or_else(|| PyRuntimeError::new_err(format!("value {name} of {instance} is not traversed")))?;
        }
        let class = instance.get_type().as_type_ptr();
        Ok(Self {
            class,
            count: seen.len(),
            ambiguous: seen.len() == 2,
            positions,
            names: names.map(Bound::unbind),
        })
    }

    /// Whether `object` is an instance of exactly this class.
    #[inline(always)]
    pub fn matches(&self, object: Ref<'_>) -> bool {
        ptr::eq(object.type_ptr(), self.class)
    }

    /// The named values of an instance of exactly this class, or nothing if they cannot be read this way.
    #[inline(always)]
    pub fn load<'a>(&self, object: Ref<'a>) -> Option<[Ref<'a>; N]> {
        if !self.matches(object) {
            return None;
        }
        let snapshot = Snapshot::take(object);
        if snapshot.len == self.count && !self.ambiguous {
            // SAFETY: positions are below the count, so these were handed over: values that the instance owns.
            return Some(
                self.positions
                    .map(|at| unsafe { Ref::new(snapshot.values[usize::from(at)]) }),
            );
        }
        self.load_unusual(&snapshot)
    }

    /// Instances whose dict was made: before 3.13 the dict replaces the values, since then it stands behind them.
    #[cold]
    fn load_unusual<'a>(&self, snapshot: &Snapshot) -> Option<[Ref<'a>; N]> {
        let dict_at = match snapshot.len {
            2 => 0,
            len if len == self.count + 1 && len <= MOST_VALUES => len - 2,
            _ => return None,
        };
        // SAFETY: handed over: a value that the instance owns.
        let dict = unsafe { Ref::new(snapshot.values[dict_at]) };
        dict.entries()?;
        let mut values = [dict; N];
        for (value, name) in values.iter_mut().zip(&self.names) {
            match dict.entry(name) {
                Some(entry) => *value = entry,
                // Not the instance's dict, so its only value.
                None if self.ambiguous && N == 1 => break,
                None => return None,
            }
        }
        Some(values)
    }
}
