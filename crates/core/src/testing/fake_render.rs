//! Rendering without pictures: what is made and what it takes are said beforehand.

use super::sample;
use crate::key::{ThumbnailFormat, ThumbnailName};
use crate::ports::{Progress, Render, RenderJob, Rendered, RenderedThumbnail};
use crate::upload::Dimensions;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A renderer that looks at no byte.
#[derive(Clone)]
pub struct FakeRender {
    enough: u64,
    outcome: Result<Rendered, &'static str>,
    jobs: Arc<AtomicUsize>,
}

impl FakeRender {
    /// Makes a 1 × 1 thumbnail of each of these names and formats, named in its bytes, out of a whole file.
    pub fn of(thumbnails: &[(&str, ThumbnailFormat)]) -> Self {
        let dimensions = Dimensions { width: 1, height: 1 };
        let thumbnails = thumbnails.iter().map(|(name, format)| RenderedThumbnail {
            name: ThumbnailName::parse(name).expect("tests give good names"),
            format: *format,
            dimensions,
            bytes: name.as_bytes().to_vec(),
        });
        let placeholder = sample::placeholder();
        Self::with(Ok(Rendered { source: dimensions, placeholder, thumbnails: thumbnails.collect() }))
    }

    /// Makes nothing of any file, for this reason.
    pub fn failing(reason: &'static str) -> Self {
        Self::with(Err(reason))
    }

    /// Has enough after so many bytes.
    #[must_use]
    pub fn enough_after(self, bytes: u64) -> Self {
        Self { enough: bytes, ..self }
    }

    /// How many files it was given.
    pub fn jobs(&self) -> usize {
        self.jobs.load(Ordering::Relaxed)
    }

    fn with(outcome: Result<Rendered, &'static str>) -> Self {
        Self { enough: u64::MAX, outcome, jobs: Arc::default() }
    }
}

impl Render for FakeRender {
    type Job = FakeJob;

    fn start(&self) -> FakeJob {
        self.jobs.fetch_add(1, Ordering::Relaxed);
        FakeJob { enough: self.enough, outcome: self.outcome.clone(), pushed: 0 }
    }
}

/// The rendering of one file.
pub struct FakeJob {
    enough: u64,
    outcome: Result<Rendered, &'static str>,
    pushed: u64,
}

impl RenderJob for FakeJob {
    fn push(&mut self, bytes: &[u8]) -> Progress {
        assert!(self.pushed < self.enough, "it was pushed more than enough");
        self.pushed += bytes.len() as u64;
        if self.pushed < self.enough { Progress::More } else { Progress::Enough }
    }

    async fn finish(self) -> Result<Rendered, &'static str> {
        self.outcome
    }
}
