//! The HTTP contract, as `docs/API.md` has it: who calls, what JSON goes in and out, and how a failure is told. It decides
//! nothing about uploads: that is `valet-core`'s.

mod call;
mod fields;
mod new_upload;
mod parts;
mod problem;
mod respond;
mod view;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use call::Call;
pub use new_upload::new_upload;
pub use parts::{Include, asked_parts, include, said};
pub use problem::Problem;
pub use respond::{Reply, respond};
pub use view::{FileView, GrantView, LimitsView, SignedPartsView, UploadView};
