//! The HTTP contract, as `docs/API.md` has it: who calls, what JSON goes in and out, and how a failure is told. It decides
//! nothing about uploads: that is `valet-core`'s.

mod batch;
mod call;
mod fields;
mod file_url;
mod files_query;
mod new_upload;
mod parts;
mod problem;
mod respond;
mod tutorial;
mod uppy;
mod uppy_view;
mod usage_view;
mod view;

#[cfg(feature = "openapi")]
pub mod openapi;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use batch::batch_reply;
pub use call::{Call, base_url, bearer, segments};
pub use file_url::{FileUrlView, wanted_thumbnail};
pub use files_query::{FilesQuery, files_query};
pub use new_upload::{idempotency_key, new_upload, new_uploads, tutorial_upload};
pub use parts::{Include, asked_parts, include, said};
pub use problem::Problem;
pub use respond::{Reply, Wording, respond, respond_to};
pub use tutorial::{ConfirmedView, UploadUrlView, confirmed_key};
pub use uppy::{UppySign, named_parts, new_form, new_parts, uppy_sign};
pub use uppy_view::{
    CompletedView, PartView, PartsView, PolicyView, SessionView, SignView, StartedView, nothing,
};
pub use usage_view::UsageView;
pub use view::{FileView, FilesView, GrantView, LimitsView, SignedPartsView, UploadView, grant_status};
