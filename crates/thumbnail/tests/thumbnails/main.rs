//! What comes out of the door for files of every kind, all of them made here.

#![expect(clippy::unwrap_used, reason = "a test that cannot make its input has failed")]

mod files;
mod support;

mod damage;
mod formats;
mod limits;
mod orientation;
mod scaled;
mod size;
mod transparency;
mod variants;
