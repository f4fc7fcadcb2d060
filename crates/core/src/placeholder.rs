//! What a page shows of an image before its thumbnail has come. It travels in the file's record; it is never an object of
//! its own.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fmt::Write as _;

/// A blur and a colour of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placeholder {
    /// A `ThumbHash`, about 25 bytes. Source: <https://evanw.github.io/thumbhash/>
    pub thumbhash: Vec<u8>,
    /// The dominant colour: sRGB red, green and blue.
    pub color: [u8; 3],
}

impl Placeholder {
    /// Reads back [`Self::thumbhash_base64`] and [`Self::color_hex`].
    pub fn parse(thumbhash: &str, color: &str) -> Option<Self> {
        let thumbhash = STANDARD.decode(thumbhash).ok()?;
        let digits = color.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        let mut color = [0; 3];
        for (channel, place) in color.iter_mut().zip([0, 2, 4]) {
            // A sign would pass for a digit.
            let pair = digits.get(place..place + 2).filter(|pair| !pair.starts_with('+'))?;
            *channel = u8::from_str_radix(pair, 16).ok()?;
        }
        Some(Self { thumbhash, color })
    }

    /// The hash in padded standard base64.
    pub fn thumbhash_base64(&self) -> String {
        STANDARD.encode(&self.thumbhash)
    }

    /// The colour as CSS writes it: `#a1b2c3`.
    pub fn color_hex(&self) -> String {
        self.color.iter().fold("#".to_owned(), |mut text, channel| {
            write!(text, "{channel:02x}").expect("a string takes everything");
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_back_what_it_writes() {
        let placeholder = Placeholder { thumbhash: vec![0, 255, 16], color: [0xa1, 0, 0x0f] };
        assert_eq!((&*placeholder.thumbhash_base64(), &*placeholder.color_hex()), ("AP8Q", "#a1000f"));
        assert_eq!(Placeholder::parse("AP8Q", "#a1000f"), Some(placeholder));
    }

    #[test]
    fn anything_else_is_none() {
        for (thumbhash, color) in [
            ("AP8", "#a1000f"),
            ("AP8Q", "a1000f"),
            ("AP8Q", "#a1000"),
            ("AP8Q", "#a1000f0"),
            ("AP8Q", "#+1000f"),
            ("AP8Q", "#g1000f"),
            ("AP8Q", "#1ü000"),
        ] {
            assert_eq!(Placeholder::parse(thumbhash, color), None, "{thumbhash} {color}");
        }
    }
}
