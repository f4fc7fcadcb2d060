//! What comes out of the door for files of every kind, all of them made here.

#![expect(clippy::unwrap_used, reason = "a test that cannot make its input has failed")]

mod files;
mod support;

mod damage;
mod formats;
mod jobs;
mod limits;
mod orientation;
mod placing;
mod scaled;
mod size;
mod transparency;
mod variants;
