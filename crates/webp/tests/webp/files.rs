//! The files of `tests/files`.

pub(crate) const LOSSY: &[u8] = include_bytes!("../files/lossy.webp");
pub(crate) const LOSSY_ALPHA: &[u8] = include_bytes!("../files/lossy-alpha.webp");
pub(crate) const LOSSY_ROUGH_ALPHA: &[u8] = include_bytes!("../files/lossy-rough-alpha.webp");
pub(crate) const LOSSLESS: &[u8] = include_bytes!("../files/lossless.webp");
pub(crate) const LOSSLESS_ALPHA: &[u8] = include_bytes!("../files/lossless-alpha.webp");
pub(crate) const LOSSLESS_PALETTE: &[u8] = include_bytes!("../files/lossless-palette.webp");
pub(crate) const SMALL_LOSSY: &[u8] = include_bytes!("../files/small-lossy.webp");
pub(crate) const SMALL_LOSSY_ALPHA: &[u8] = include_bytes!("../files/small-lossy-alpha.webp");
pub(crate) const SMALL_LOSSLESS: &[u8] = include_bytes!("../files/small-lossless.webp");

pub(crate) const ALL: [(&str, &[u8]); 9] = [
    ("lossy", LOSSY),
    ("lossy-alpha", LOSSY_ALPHA),
    ("lossy-rough-alpha", LOSSY_ROUGH_ALPHA),
    ("lossless", LOSSLESS),
    ("lossless-alpha", LOSSLESS_ALPHA),
    ("lossless-palette", LOSSLESS_PALETTE),
    ("small-lossy", SMALL_LOSSY),
    ("small-lossy-alpha", SMALL_LOSSY_ALPHA),
    ("small-lossless", SMALL_LOSSLESS),
];

pub(crate) const SMALL: [(&str, &[u8]); 3] = [
    ("small-lossy", SMALL_LOSSY),
    ("small-lossy-alpha", SMALL_LOSSY_ALPHA),
    ("small-lossless", SMALL_LOSSLESS),
];
