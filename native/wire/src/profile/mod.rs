//! Profiles: requests of profiles, and of a profile what its envelope tells.
//!
//! All else refers by index to the dictionary of the request, which is passed on as it stands.

mod view;

use crate::request::{Request, ResourceGroup, ScopeGroup};
pub use view::ProfileView;

/// `ExportProfilesServiceRequest`, unread.
pub type ProfilesRequest<'a> = Request<'a, ProfileView<'a>>;
/// A resource with its scopes.
pub type ResourceProfiles<'a> = ResourceGroup<'a, ProfileView<'a>>;
/// A scope with its profiles.
pub type ScopeProfiles<'a> = ScopeGroup<'a, ProfileView<'a>>;
