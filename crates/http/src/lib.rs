//! The HTTP contract, as `docs/API.md` has it: who calls, what JSON goes in and out, and how a failure is told. It decides
//! nothing about uploads: that is `valet-core`'s.

mod call;
mod fields;
mod files_query;
mod new_upload;
mod parts;
mod problem;
mod respond;
mod uppy;
mod uppy_view;
mod view;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use call::{Call, base_url, bearer, segments};
pub use files_query::{FilesQuery, files_query};
pub use new_upload::new_upload;
pub use parts::{Include, asked_parts, include, said};
pub use problem::Problem;
pub use respond::{Reply, Wording, respond, respond_to};
pub use uppy::{UppySign, named_parts, new_form, new_parts, uppy_sign};
pub use uppy_view::{
    CompletedView, PartView, PartsView, PolicyView, SessionView, SignView, StartedView, nothing,
};
pub use view::{FileView, FilesView, GrantView, LimitsView, SignedPartsView, UploadView};
