//! What comes out for files of every kind, against full decodes of the same picture.

#![expect(clippy::unwrap_used, reason = "a test that cannot make its input has failed")]

mod files;
mod support;

mod against_full;
mod damage;
mod ink;
mod limits;
mod metadata;
mod prefix;
mod samplings;
