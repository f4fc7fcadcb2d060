//! A file that comes in parts, and when enough of it is there; never decodes before it is told to.

use std::sync::Arc;

use scaled_jpeg::{Jpeg, Needs};

use crate::decode::jpeg::{scaled_limits, sufficient_scale};
use crate::make::make_of;
use crate::render::Renders;
use crate::{Dimensions, Error, Format, Limits, Made, Variants, header, orientation};

/// Whether more of a file is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It is.
    More,
    /// What there is decides the outcome: what follows can be left where it is.
    Enough,
}

/// Makes thumbnails of a file that arrives in parts.
///
/// A progressive JPEG tells its picture from coarse to fine. Of one that is decoded at a reduced scale, the scans that
/// scale needs are enough, and whether the rest is damaged or missing makes no difference.
#[derive(Debug)]
pub struct Job {
    variants: Arc<Variants>,
    limits: Limits,
    file: Vec<u8>,
    stage: Stage,
}

/// How much is known of a file.
#[derive(Debug)]
enum Stage {
    /// Not yet all of its header.
    Header,
    /// What has to arrive of a progressive JPEG.
    Scans(Box<Needs>),
    /// That all of it is needed.
    Whole,
    /// That there is enough to make it, or to know why not.
    Enough { prefix: bool },
}

impl Job {
    /// A job for a file of which nothing has arrived.
    pub fn new(variants: impl Into<Arc<Variants>>, limits: Limits) -> Self {
        Self { variants: variants.into(), limits, file: Vec::new(), stage: Stage::Header }
    }

    /// Takes in the next bytes of the file.
    pub fn push(&mut self, bytes: &[u8]) -> Progress {
        self.file.extend_from_slice(bytes);
        if matches!(self.stage, Stage::Header) {
            self.stage = self.read_header();
        }
        if let Stage::Scans(needs) = &mut self.stage
            && needs.met_by(&self.file)
        {
            self.stage = Stage::Enough { prefix: true };
        }
        match self.stage {
            Stage::Enough { .. } => Progress::Enough,
            Stage::Header | Stage::Scans(_) | Stage::Whole => Progress::More,
        }
    }

    /// Makes the thumbnails of what has arrived: the whole file, or what was [`Enough`](Progress::Enough) of it.
    ///
    /// Keeps a thread busy: see [`make`](crate::make()).
    pub fn finish(self) -> Result<Made, Error> {
        let prefix = matches!(self.stage, Stage::Enough { prefix: true });
        make_of(&self.file, prefix, &self.variants, &self.limits)
    }

    fn read_header(&self) -> Stage {
        const REFUSED: Stage = Stage::Enough { prefix: false };
        let Some(format) = Format::of(&self.file) else {
            return if self.file.len() < Format::FIRST_BYTES { Stage::Header } else { REFUSED };
        };
        if format == Format::Jpeg {
            return match Jpeg::read(&self.file) {
                Ok(jpeg) => self.read_jpeg(jpeg).unwrap_or(REFUSED),
                Err(scaled_jpeg::Error::Truncated) => Stage::Header,
                // Another decoder may know it.
                Err(_) => Stage::Whole,
            };
        }
        match header::dimensions(&self.file, format) {
            Some(dimensions) if self.limits.check_dimensions(dimensions).is_err() => REFUSED,
            None if self.file.len() < header::LENGTH => Stage::Header,
            Some(_) | None => Stage::Whole,
        }
    }

    fn read_jpeg(&self, jpeg: Jpeg<'_>) -> Result<Stage, Error> {
        let (width, height) = jpeg.dimensions();
        let stored = Dimensions { width, height };
        self.limits.check_dimensions(stored)?;
        let turn = orientation::declared_in(jpeg.exif());
        let largest = Renders::of(orientation::upright(stored, turn), &self.variants).largest();
        let scale = sufficient_scale(stored, orientation::upright(largest, turn));
        Ok(match scale.filter(|_| jpeg.is_progressive()) {
            Some(scale) => {
                let jpeg = jpeg.with_limits(scaled_limits(&self.limits));
                Stage::Scans(Box::new(jpeg.needs(scale)))
            }
            None => Stage::Whole,
        })
    }
}
