//! A file that comes in parts, and when enough of it is there; never decodes before it is told to.

use std::sync::Arc;

use crate::make::make;
use crate::{Error, Limits, Made, Variants};

/// Whether more of a file is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It is.
    More,
    /// What there is decides the outcome: what follows can be left where it is.
    Enough,
}

/// Makes thumbnails of a file that arrives in parts.
#[derive(Debug)]
pub struct Job {
    variants: Arc<Variants>,
    limits: Limits,
    file: Vec<u8>,
}

impl Job {
    /// A job for a file of which nothing has arrived.
    pub fn new(variants: impl Into<Arc<Variants>>, limits: Limits) -> Self {
        Self { variants: variants.into(), limits, file: Vec::new() }
    }

    /// Takes in the next bytes of the file.
    pub fn push(&mut self, bytes: &[u8]) -> Progress {
        self.file.extend_from_slice(bytes);
        Progress::More
    }

    /// Makes the thumbnails of what has arrived: the whole file, or what was [`Enough`](Progress::Enough) of it.
    pub fn finish(self) -> Result<Made, Error> {
        make(&self.file, &self.variants, &self.limits)
    }
}
