//! Writes the frames of one batch, behind room for the heads, and groups them.

use pyo3::prelude::*;
use spanwire_wire::arena::{Open, Region};
use spanwire_wire::tag::{self, len_tag};
use spanwire_wire::write::bytes_field;

use super::drops::Drops;
use super::general::General;
use super::groups::Groups;
use super::heads::KeptHeads;
use crate::ffi::batch::Batch;
use crate::ffi::sdk_span::FastEncoder;
use crate::ffi::sdk_types::SdkTypes;

pub struct Writer<'py, 'a> {
    pub types: Option<&'a SdkTypes>,
    pub w3c_flags: bool,
    /// Starts with the heads of the first group, its messages still open, so that a batch of one group is a request as it stands.
    pub frames: &'a mut Region,
    pub drops: Drops,
    pub groups: Groups<'py>,
    /// The open `ResourceSpans` and `ScopeSpans` of the first group.
    pub open: Option<(Open, Open)>,
    /// How many bytes their lengths will probably take.
    pub width: u8,
}

impl<'py, 'a> Writer<'py, 'a> {
    /// Writes all spans; answers how many were not left out. Only what is no `Exception` is raised.
    pub fn write(&mut self, batch: &Batch<'py>) -> PyResult<usize> {
        let (mut at, mut encoded) = (0, 0);
        let mut fast = self.fast_encoder();
        while at < batch.len() {
            let start = self.frames.len();
            let groups = &mut self.groups;
            let known = |identities, frame| groups.add_to_last(identities, frame);
            let written = fast.as_mut().map(|fast| fast.span_of(batch, at, self.frames, known));
            let python_ran = if let Some(Ok(origin)) = written {
                self.drops.fast += 1;
                encoded += 1;
                origin.is_some_and(|(resource, scope)| self.group(&resource, &scope, start))
            } else {
                self.frames.truncate(start);
                encoded += usize::from(self.write_general(batch, at));
                true
            };
            at += 1;
            if python_ran {
                self.drops.check()?;
                // It may have patched a class, and what is remembered by address may be gone.
                if fast.is_some() {
                    fast = self.fast_encoder();
                }
            }
        }
        Ok(encoded)
    }

    /// Ends the request in place if all spans are of one group; otherwise it must be put together from the groups.
    pub fn finish(&mut self) -> bool {
        match (self.groups.only(), self.open) {
            (Some((resource, scope)), Some((resource_spans, scope_spans))) => {
                bytes_field(self.frames, len_tag(tag::scope_spans::SCHEMA_URL), &scope.schema_url);
                self.frames.close(scope_spans);
                bytes_field(
                    self.frames,
                    len_tag(tag::resource_spans::SCHEMA_URL),
                    &resource.schema_url,
                );
                self.frames.close(resource_spans);
                true
            }
            _ => self.groups.is_empty(),
        }
    }

    fn fast_encoder(&self) -> Option<FastEncoder<'a>> {
        let types = self.types.filter(|types| types.guards_hold())?;
        Some(FastEncoder::new(types, self.w3c_flags))
    }

    /// `false` if the span was left out.
    #[cold]
    fn write_general(&mut self, batch: &Batch<'py>, at: usize) -> bool {
        let Some(span) = batch.get(at) else { return false };
        self.drops.general += 1;
        let start = self.frames.len();
        let mut general = General {
            drops: &mut self.drops,
            w3c_flags: self.w3c_flags,
        };
        if !general.span(self.frames, &span) {
            return false;
        }
        let resource = general.any(&span, "resource");
        let scope = general.any(&span, "instrumentation_scope");
        // As the SDK's encoder: `scope or None`.
        let scope = if scope.is_truthy().unwrap_or(true) {
            scope
        } else {
            span.py().None().into_bound(span.py())
        };
        self.group(&resource, &scope, start);
        true
    }

    /// Gives the frame that begins at `start` to its group; answers whether Python code may have run.
    #[cold]
    fn group(&mut self, resource: &Bound<'py, PyAny>, scope: &Bound<'py, PyAny>, mut start: usize) -> bool {
        let mut heads = KeptHeads {
            types: self.types,
            drops: &mut self.drops,
        };
        let (group, python_ran) = self.groups.group_of(&mut heads, resource, scope);
        if self.open.is_none() {
            start = self.begin();
        }
        self.groups.add(group, start..self.frames.len());
        python_ran
    }

    /// Puts the heads of the first group in front of its first frame; answers where that begins then.
    fn begin(&mut self) -> usize {
        let Some((resource, scope)) = self.groups.only() else {
            return 0;
        };
        let mut heads = Region::new();
        let resource_spans = heads.open(len_tag(tag::export_request::RESOURCE_SPANS), self.width);
        heads.raw(&resource.message);
        let scope_spans = heads.open(len_tag(tag::resource_spans::SCOPE_SPANS), self.width);
        heads.raw(&scope.message);
        self.frames.insert(0, heads.as_slice());
        self.open = Some((resource_spans, scope_spans));
        heads.len()
    }
}
