//! What is read, decoded and written, against `image-webp` and against sums done by hand.

#![expect(clippy::unwrap_used, reason = "a test that cannot make its input has failed")]

mod files;
mod support;

mod against_image_webp;
mod animation;
mod damage;
mod encode;
mod header;
mod memory;
mod scaling;
