//! The files next door; how they were made says their README.

macro_rules! files {
    ($($name:ident $file:literal),* $(,)?) => {
        $(pub(crate) const $name: &[u8] = include_bytes!(concat!("../files/", $file));)*
        /// Every JPEG with its name.
        pub(crate) const ALL: &[(&str, &[u8])] = &[$(($file, $name)),*];
    };
}

/// What they all show.
pub(crate) const PICTURE: &[u8] = include_bytes!("../files/picture.png");

/// What is refused.
pub(crate) const ARITHMETIC: &[u8] = include_bytes!("../files/arithmetic.jpg");

files! {
    BASELINE_444 "baseline-444.jpg",
    BASELINE_422 "baseline-422.jpg",
    BASELINE_420 "baseline-420.jpg",
    BASELINE_440 "baseline-440.jpg",
    BASELINE_411 "baseline-411.jpg",
    BASELINE_410 "baseline-410.jpg",
    BASELINE_3X1 "baseline-3x1.jpg",
    BASELINE_3X2 "baseline-3x2-against-1x2.jpg",
    BASELINE_CHROMA_FINER "baseline-chroma-finer.jpg",
    PROGRESSIVE_444 "progressive-444.jpg",
    PROGRESSIVE_422 "progressive-422.jpg",
    PROGRESSIVE_420 "progressive-420.jpg",
    PROGRESSIVE_440 "progressive-440.jpg",
    PROGRESSIVE_411 "progressive-411.jpg",
    PROGRESSIVE_410 "progressive-410.jpg",
    PROGRESSIVE_3X1 "progressive-3x1.jpg",
    PROGRESSIVE_3X2 "progressive-3x2-against-1x2.jpg",
    PROGRESSIVE_CHROMA_FINER "progressive-chroma-finer.jpg",
    BASELINE_3_TO_2 "baseline-3-to-2.jpg",
    PROGRESSIVE_3_TO_2 "progressive-3-to-2.jpg",
    RESTARTS "restarts.jpg",
    PROGRESSIVE_RESTARTS "progressive-restarts.jpg",
    SEPARATE_SCANS "separate-scans.jpg",
    RGB "rgb.jpg",
    GREY "grey.jpg",
    PROGRESSIVE_GREY "progressive-grey.jpg",
    CMYK "cmyk.jpg",
    PROGRESSIVE_CMYK "progressive-cmyk.jpg",
    YCCK "ycck.jpg",
    PROGRESSIVE_YCCK "progressive-ycck.jpg",
}
