//! Traces: requests of spans, and spans as lazy views.

pub mod span;

use crate::request::{Request, ResourceGroup, ScopeGroup};
use span::SpanView;

/// `ExportTraceServiceRequest`, unread.
pub type TraceRequest<'a> = Request<'a, SpanView<'a>>;
/// A resource with its scopes.
pub type ResourceSpans<'a> = ResourceGroup<'a, SpanView<'a>>;
/// A scope with its spans.
pub type ScopeSpans<'a> = ScopeGroup<'a, SpanView<'a>>;
