//! What is made of a picture, as configuration writes it; never how it is made.

use std::fmt;
use std::str::FromStr;

use crate::Dimensions;

/// How a picture goes into a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fit {
    /// All of it lies within the box.
    Fit,
    /// It fills the box; what stands out on two sides is cut off evenly. A picture smaller than the box fills
    /// what it can.
    Cover,
}

/// A format thumbnails are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutputFormat {
    /// Baseline JPEG. What is transparent lies on white.
    Jpeg,
    /// Lossy WebP, transparent where the picture is.
    Webp,
}

impl OutputFormat {
    /// What ends the name of such a file, without a dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Webp => "webp",
        }
    }

    /// Its media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
        }
    }
}

/// One thumbnail to be made of every picture. Written `name:WIDTHxHEIGHT:fit:format:quality`, for example
/// `small:200x200:fit:jpeg:85`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Variant {
    /// 1 to 32 of `a-z`, `0-9` and, not in front, `-`.
    pub name: String,
    /// The most pixels across, 1 to 4096.
    pub max_width: u16,
    /// The most pixels down, 1 to 4096.
    pub max_height: u16,
    /// How the picture goes into that box. Nothing is ever enlarged.
    pub fit: Fit,
    /// The format it is written in.
    pub format: OutputFormat,
    /// 1 to 100, in the words of the format's encoder.
    pub quality: u8,
}

impl Variant {
    /// The longest name.
    pub const MAX_NAME: usize = 32;
    /// The most pixels a side.
    pub const MAX_SIDE: u16 = 4096;

    /// What a list shows: within 200 by 200 pixels, about 10 kB.
    pub fn small() -> Self {
        let name = "small".to_owned();
        let (max_width, max_height) = (200, 200);
        Self { name, max_width, max_height, fit: Fit::Fit, format: OutputFormat::Jpeg, quality: 85 }
    }

    pub(crate) fn bounds(&self) -> Dimensions {
        Dimensions { width: self.max_width.into(), height: self.max_height.into() }
    }

    fn check(&self) -> Result<(), VariantError> {
        check_name(&self.name)?;
        for side in [self.max_width, self.max_height] {
            if !(1..=Self::MAX_SIDE).contains(&side) {
                return Err(VariantError::Side(side.to_string()));
            }
        }
        if !(1..=100).contains(&self.quality) {
            return Err(VariantError::Quality(self.quality.to_string()));
        }
        Ok(())
    }
}

/// Why a text is no [`Variant`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VariantError {
    /// Too few or too many parts.
    #[error("`{0}` is not of the form name:WIDTHxHEIGHT:fit:format:quality")]
    Form(String),
    /// A name that is empty, too long or of other characters.
    #[error("the name `{0}` is not 1 to 32 of a-z, 0-9 and, not in front, -")]
    Name(String),
    /// Not two sides with an `x` between them.
    #[error("the size `{0}` is not of the form WIDTHxHEIGHT")]
    Size(String),
    /// A side that is no number or out of bounds.
    #[error("the side `{0}` is not a number from 1 to 4096")]
    Side(String),
    /// Neither of the two words.
    #[error("`{0}` is neither `fit` nor `cover`")]
    Fit(String),
    /// Neither of the two words.
    #[error("the format `{0}` is neither `jpeg` nor `webp`")]
    Format(String),
    /// A quality that is no number or out of bounds.
    #[error("the quality `{0}` is not a number from 1 to 100")]
    Quality(String),
}

impl FromStr for Variant {
    type Err = VariantError;

    fn from_str(text: &str) -> Result<Self, VariantError> {
        let parts = text.split(':').collect::<Vec<_>>();
        let &[name, size, fit, format, quality] = parts.as_slice() else {
            return Err(VariantError::Form(text.to_owned()));
        };
        check_name(name)?;
        let (width, height) = size.split_once('x').ok_or_else(|| VariantError::Size(size.to_owned()))?;
        let pixels = |side: &str| number(side).ok_or_else(|| VariantError::Side(side.to_owned()));
        let variant = Self {
            name: name.to_owned(),
            max_width: pixels(width)?,
            max_height: pixels(height)?,
            fit: match fit {
                "fit" => Fit::Fit,
                "cover" => Fit::Cover,
                _ => return Err(VariantError::Fit(fit.to_owned())),
            },
            format: match format {
                "jpeg" => OutputFormat::Jpeg,
                "webp" => OutputFormat::Webp,
                _ => return Err(VariantError::Format(format.to_owned())),
            },
            quality: number(quality)
                .and_then(|quality| u8::try_from(quality).ok())
                .ok_or_else(|| VariantError::Quality(quality.to_owned()))?,
        };
        variant.check()?;
        Ok(variant)
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, max_width, max_height, fit, format, quality } = self;
        let fit = match fit {
            Fit::Fit => "fit",
            Fit::Cover => "cover",
        };
        let format = match format {
            OutputFormat::Jpeg => "jpeg",
            OutputFormat::Webp => "webp",
        };
        write!(formatter, "{name}:{max_width}x{max_height}:{fit}:{format}:{quality}")
    }
}

fn check_name(name: &str) -> Result<(), VariantError> {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let fits = (1..=Variant::MAX_NAME).contains(&name.len()) && !name.starts_with('-');
    if fits && name.bytes().all(known) { Ok(()) } else { Err(VariantError::Name(name.to_owned())) }
}

/// A number of digits alone, without a sign.
fn number(digits: &str) -> Option<u16> {
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
}

/// One to eight variants of different names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Variants(Vec<Variant>);

impl Variants {
    /// The most variants.
    pub const MAX: usize = 8;

    /// These variants, if each and all together are within the bounds.
    pub fn new(variants: Vec<Variant>) -> Result<Self, VariantsError> {
        if !(1..=Self::MAX).contains(&variants.len()) {
            return Err(VariantsError::Count(variants.len()));
        }
        for (at, variant) in variants.iter().enumerate() {
            variant.check()?;
            if variants[..at].iter().any(|other| other.name == variant.name) {
                return Err(VariantsError::Duplicate(variant.name.clone()));
            }
        }
        Ok(Self(variants))
    }

    /// In the order they were written.
    pub fn iter(&self) -> std::slice::Iter<'_, Variant> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Variants {
    type Item = &'a Variant;
    type IntoIter = std::slice::Iter<'a, Variant>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Default for Variants {
    /// [`Variant::small`] alone.
    fn default() -> Self {
        Self(vec![Variant::small()])
    }
}

/// Why a text is no [`Variants`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VariantsError {
    /// None, or too many.
    #[error("there are {0} variants instead of 1 to 8")]
    Count(usize),
    /// Two of the same name.
    #[error("two variants have the name `{0}`")]
    Duplicate(String),
    /// One that is wrong by itself.
    #[error(transparent)]
    Variant(#[from] VariantError),
}

impl FromStr for Variants {
    type Err = VariantsError;

    /// Variants with commas and any number of spaces between them.
    fn from_str(text: &str) -> Result<Self, VariantsError> {
        if text.trim_matches(' ').is_empty() {
            return Err(VariantsError::Count(0));
        }
        let variants = text.split(',').map(|variant| variant.trim_matches(' ').parse());
        Self::new(variants.collect::<Result<_, VariantError>>()?)
    }
}

impl fmt::Display for Variants {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, variant) in self.iter().enumerate() {
            write!(formatter, "{}{variant}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}
