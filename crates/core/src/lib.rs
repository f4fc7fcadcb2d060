//! The rules of Valet: what a grant permits, when an upload counts as verified, and what happens next.
//!
//! This crate knows neither AWS nor HTTP, neither a clock nor an environment: time, ids and storage
//! are handed in, so that every rule is tested in memory and in milliseconds.
//!
//! In reading order: the nouns, then the ports, then one file a use case.

pub mod checksum;
pub mod key;
pub mod media_type;
pub mod owner;
pub mod parts;
pub mod placeholder;
pub mod policy;
pub mod sessions;
pub mod upload;
pub mod usage;

pub mod error;
pub mod ports;

mod record_uploads;

pub mod issue_upload;
pub mod issue_uploads;
pub mod resign_upload;
pub mod settle;
pub mod sign_parts;

pub mod announced;
pub mod issue_form;
pub mod loose_parts;

pub mod cancel_upload;
pub mod complete_upload;
pub mod confirm_upload;
pub mod generate_thumbnails;
pub mod read_upload;
pub mod recount_usage;
pub mod sweep_uploads;

pub mod delete_file;
pub mod list_files;
pub mod read_file;

#[cfg(feature = "testing")]
pub mod testing;

pub use cancel_upload::cancel_upload;
pub use confirm_upload::confirm_upload;
pub use delete_file::delete_file;
pub use error::{Error, StoreError};
pub use generate_thumbnails::generate_thumbnails;
pub use issue_form::issue_form;
pub use issue_upload::issue_upload;
pub use issue_uploads::issue_uploads;
pub use key::{ThumbnailKey, UploadKey};
pub use list_files::list_files;
pub use media_type::MediaType;
pub use owner::{Owner, UploadId};
pub use placeholder::Placeholder;
pub use read_file::read_file;
pub use read_upload::{read_parts, read_upload};
pub use recount_usage::recount_usage;
pub use resign_upload::resign_upload;
pub use settle::settle;
pub use sign_parts::sign_parts;
pub use sweep_uploads::sweep_uploads;
pub use upload::Upload;
pub use usage::read_usage;
