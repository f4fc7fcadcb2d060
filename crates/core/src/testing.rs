//! Storage and rendering for tests: in memory, failing on demand, and the conformance suite that memory and the real servers pass alike.
//! Compiled only with the `testing` feature; never part of a function.

// Test support panics by design: that is how it says that something is wrong.
#![expect(clippy::unwrap_used, reason = "compiled for tests only")]

mod failing;
mod failing_sweep;
mod fake_render;
mod memory_bucket;
mod memory_cdn;
mod memory_multipart;
mod memory_sweep;
mod memory_table;
mod memory_view;
mod put_upload;

pub mod conformance;
pub mod sample;

pub use failing::Failing;
pub use fake_render::FakeRender;
pub use memory_bucket::{MemoryBody, MemoryBucket};
pub use memory_cdn::MemoryCdn;
pub use memory_sweep::MemoryQueue;
pub use memory_table::MemoryTable;
pub use memory_view::Kept;
pub use put_upload::{Put, PutUpload};
