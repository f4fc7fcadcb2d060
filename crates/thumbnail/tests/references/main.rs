//! Thumbnails against those that Pillow and LittleCMS make of the same files: tests/images/README.md says how.

#![expect(clippy::unwrap_used, reason = "a test that cannot make its input has failed")]

mod ciede2000;
mod files;
mod strip;

mod alpha;
mod animation;
mod depth;
mod orientation;
mod profiles;
