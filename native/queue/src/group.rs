//! [`Group`]: what frames have in common.

/// The encoded resource and scope of a tracer's spans.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Group {
    /// The `Resource` message, with its tag and length in `ResourceSpans`.
    pub resource: Vec<u8>,
    /// The resource's schema URL, or nothing.
    pub resource_schema: Vec<u8>,
    /// The `InstrumentationScope` message, with its tag and length in `ScopeSpans`.
    pub scope: Vec<u8>,
    /// The scope's schema URL, or nothing.
    pub scope_schema: Vec<u8>,
}

impl Group {
    /// Most bytes that a request needs beside this group's frames: four headers and the heads.
    pub(crate) fn overhead(&self) -> usize {
        const HEADER: usize = 11;
        4 * HEADER + self.resource.len() + self.resource_schema.len() + self.scope.len() + self.scope_schema.len()
    }
}
