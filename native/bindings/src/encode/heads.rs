//! The encoded `Resource` and `InstrumentationScope` messages, kept between batches.
//!
//! Resources are kept by identity behind a weak reference, so none is kept alive and a new object at an old address is noticed.
//! The SDK's `InstrumentationScope` cannot be weakly referenced: the few used last are kept alive. Only the SDK's own immutable
//! classes are kept; the caller clears all when one of them is patched.

use std::collections::HashMap;
use std::sync::{Mutex, TryLockError};

use pyo3::prelude::*;
use pyo3::types::{PyWeakrefMethods, PyWeakrefReference};
use spanwire_wire::arena::Region;
use spanwire_wire::tag::{self, len_tag};

use super::depth::{DEPTH_IN_RESOURCE, DEPTH_IN_SPAN};
use super::drops::{Drop, Drops};
use super::general::General;
use super::groups::Heads;
use super::head::Head;
use crate::ffi::sdk_types::SdkTypes;

/// Resources kept at most; those that died are swept out when it is reached.
const MOST_RESOURCES: usize = 128;
/// Scopes kept (alive) at most.
const MOST_SCOPES: usize = 128;

struct KeptResource {
    weak: Py<PyWeakrefReference>,
    head: Head,
}

struct KeptScope {
    scope: Py<PyAny>,
    head: Head,
    used: u64,
}

#[derive(Default)]
struct Kept {
    resources: HashMap<usize, KeptResource>,
    scopes: HashMap<usize, KeptScope>,
    clock: u64,
}

/// Never waited for: who finds it locked (by another thread that was forked away, say) encodes anew.
static KEPT: Mutex<Option<Kept>> = Mutex::new(None);

fn with_kept<T>(work: impl FnOnce(&mut Kept) -> T) -> Option<T> {
    match KEPT.try_lock() {
        Ok(mut kept) => Some(work(kept.get_or_insert_default())),
        Err(TryLockError::Poisoned(kept)) => Some(work(kept.into_inner().get_or_insert_default())),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// Forgets everything: a class was patched.
pub fn clear() {
    // Dropped outside of the lock: freeing a scope may run Python code.
    drop(with_kept(std::mem::take));
}

/// Encodes heads, or finds them among those kept.
pub struct KeptHeads<'d, 't> {
    pub types: Option<&'t SdkTypes>,
    pub drops: &'d mut Drops,
}

impl<'py> Heads<'py> for KeptHeads<'_, '_> {
    fn resource(&mut self, resource: &Bound<'py, PyAny>) -> Head {
        let keep = self.types.is_some_and(|types| types.makes_resource(resource));
        let key = resource.as_ptr() as usize;
        if keep
            && let Some(Some(head)) = with_kept(|kept| {
                let found = kept.resources.get(&key)?;
                let target = found.weak.bind(resource.py()).upgrade()?;
                target.is(resource).then(|| found.head.clone())
            })
        {
            return head;
        }
        let head = self.encode_resource(resource);
        if keep && let Ok(weak) = PyWeakrefReference::new(resource) {
            let entry = KeptResource {
                weak: weak.unbind(),
                head: head.clone(),
            };
            let gone = with_kept(|kept| {
                let mut gone = Vec::new();
                if kept.resources.len() >= MOST_RESOURCES {
                    let dead = |entry: &KeptResource| entry.weak.bind(resource.py()).upgrade().is_none();
                    gone.extend(
                        kept.resources
                            .extract_if(|_, entry| dead(entry))
                            .map(|(_, entry)| entry),
                    );
                    if kept.resources.len() >= MOST_RESOURCES {
                        gone.extend(kept.resources.drain().map(|(_, entry)| entry));
                    }
                }
                gone.extend(kept.resources.insert(key, entry));
                gone
            });
            drop(gone);
        }
        head
    }

    fn raised(&mut self, error: PyErr) {
        self.drops.add_raised(Drop::Field, "resource or scope", error);
    }

    fn scope(&mut self, scope: &Bound<'py, PyAny>) -> Head {
        let keep = self.types.is_some_and(|types| types.makes_scope(scope));
        let key = scope.as_ptr() as usize;
        if keep
            && let Some(Some(head)) = with_kept(|kept| {
                kept.clock += 1;
                let clock = kept.clock;
                let found = kept.scopes.get_mut(&key)?;
                found.used = clock;
                Some(found.head.clone())
            })
        {
            return head;
        }
        let head = self.encode_scope(scope);
        if keep {
            let entry = KeptScope {
                scope: scope.clone().unbind(),
                head: head.clone(),
                used: 0,
            };
            let gone = with_kept(|kept| {
                let oldest = kept
                    .scopes
                    .iter()
                    .min_by_key(|(_, entry)| entry.used)
                    .map(|(&key, _)| key);
                let full = kept.scopes.len() >= MOST_SCOPES;
                let gone = oldest.filter(|_| full).and_then(|oldest| kept.scopes.remove(&oldest));
                let replaced = kept.scopes.insert(
                    key,
                    KeptScope {
                        used: kept.clock,
                        ..entry
                    },
                );
                [gone, replaced].map(|entry| entry.map(|entry| entry.scope))
            });
            drop(gone);
        }
        head
    }
}

impl KeptHeads<'_, '_> {
    fn encode_resource(&mut self, resource: &Bound<'_, PyAny>) -> Head {
        self.head(len_tag(tag::resource_spans::RESOURCE), resource, |general, out| {
            if let Some(attributes) = general.field(resource, "attributes") {
                general.attributes(out, len_tag(tag::resource::ATTRIBUTES), &attributes, DEPTH_IN_RESOURCE);
            }
        })
    }

    fn encode_scope(&mut self, scope: &Bound<'_, PyAny>) -> Head {
        self.head(len_tag(tag::scope_spans::SCOPE), scope, |general, out| {
            if scope.is_none() {
                return;
            }
            general.string(out, len_tag(tag::scope::NAME), scope, "name");
            general.string(out, len_tag(tag::scope::VERSION), scope, "version");
            if let Some(attributes) = general.field(scope, "attributes") {
                general.attributes(out, len_tag(tag::scope::ATTRIBUTES), &attributes, DEPTH_IN_SPAN);
            }
        })
    }

    fn head(
        &mut self,
        tag: u8,
        object: &Bound<'_, PyAny>,
        content: impl FnOnce(&mut General<'_>, &mut Region),
    ) -> Head {
        let mut general = General {
            drops: self.drops,
            w3c_flags: false,
        };
        let mut out = Region::new();
        let message = out.open(tag, 2);
        content(&mut general, &mut out);
        out.close(message);
        let mut url = Region::new();
        if !object.is_none() {
            general.string(&mut url, SCHEMA_URL, object, "schema_url");
        }
        // The field's tag and length come back when the group is written.
        let bytes = url.as_slice();
        let skip = bytes
            .iter()
            .skip(1)
            .position(|byte| byte & 0x80 == 0)
            .map_or(0, |at| at + 2);
        Head {
            message: out.as_slice().into(),
            schema_url: bytes[skip..].into(),
        }
    }
}

/// The same number in `ResourceSpans` and `ScopeSpans`.
const SCHEMA_URL: u8 = len_tag(tag::resource_spans::SCHEMA_URL);
