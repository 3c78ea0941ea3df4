//! Logs: requests of log records, and log records as lazy views.

mod record;

use crate::request::{Request, ResourceGroup, ScopeGroup};
pub use record::LogRecordView;

/// `ExportLogsServiceRequest`, unread.
pub type LogsRequest<'a> = Request<'a, LogRecordView<'a>>;
/// A resource with its scopes.
pub type ResourceLogs<'a> = ResourceGroup<'a, LogRecordView<'a>>;
/// A scope with its log records.
pub type ScopeLogs<'a> = ScopeGroup<'a, LogRecordView<'a>>;
