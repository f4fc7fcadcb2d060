//! Width and height by a file's first bytes alone, for files that are still arriving; never a decoder.

use crate::{Dimensions, Format};

/// The dimensions a file declares at a place that is the same in all files of its format. A JPEG has none.
pub(crate) fn dimensions(bytes: &[u8], format: Format) -> Option<Dimensions> {
    let (width, height) = match format {
        Format::Jpeg => return None,
        // The header chunk comes first. PNG, third edition, sections 5.2 and 11.2.1.
        Format::Png => (u32::from_be_bytes(at(bytes, 16)?), u32::from_be_bytes(at(bytes, 20)?)),
        // The logical screen. GIF89a, section 18.
        Format::Gif => (u16::from_le_bytes(at(bytes, 6)?).into(), u16::from_le_bytes(at(bytes, 8)?).into()),
        // RFC 9649, sections 2.5 to 2.7; RFC 6386, section 9.1.
        Format::Webp => match &at(bytes, 12)? {
            b"VP8X" => (1 + u24(at(bytes, 24)?), 1 + u24(at(bytes, 27)?)),
            b"VP8 " if at(bytes, 23)? == [0x9D, 0x01, 0x2A] => {
                let side = |from| Some(u32::from(u16::from_le_bytes(at(bytes, from)?) & 0x3FFF));
                (side(26)?, side(28)?)
            }
            b"VP8L" if at(bytes, 20)? == [0x2F] => {
                let sides = u32::from_le_bytes(at(bytes, 21)?);
                (1 + (sides & 0x3FFF), 1 + (sides >> 14 & 0x3FFF))
            }
            _ => return None,
        },
    };
    Some(Dimensions { width, height })
}

/// How many first bytes are looked at.
pub(crate) const LENGTH: usize = 30;

fn at<const COUNT: usize>(bytes: &[u8], start: usize) -> Option<[u8; COUNT]> {
    bytes.get(start..)?.first_chunk().copied()
}

fn u24([low, middle, high]: [u8; 3]) -> u32 {
    u32::from_le_bytes([low, middle, high, 0])
}

#[cfg(test)]
mod tests {
    use image::{ExtendedColorType, ImageFormat, RgbImage};

    use super::dimensions;
    use crate::{Dimensions, Format};

    #[test]
    fn what_encoders_write_is_read() {
        let image = RgbImage::new(300, 7);
        let lossy = valet_webp::encode(image.as_raw(), 300, 7, 3, 50).unwrap();
        let mut files = vec![(Format::Webp, lossy)];
        for (format, name) in [
            (Format::Png, ImageFormat::Png),
            (Format::Gif, ImageFormat::Gif),
            (Format::Webp, ImageFormat::WebP),
        ] {
            let mut file = std::io::Cursor::new(Vec::new());
            image::write_buffer_with_format(&mut file, &image, 300, 7, ExtendedColorType::Rgb8, name)
                .unwrap();
            files.push((format, file.into_inner()));
        }
        for (format, file) in files {
            assert_eq!(dimensions(&file, format), Some(Dimensions { width: 300, height: 7 }), "{format:?}");
            assert_eq!(dimensions(&file[..9], format), None);
        }
    }

    #[test]
    fn noise_declares_nothing() {
        for name in [b"VP8 ", b"VP8L", b"ABCD"] {
            let file = [b"RIFF\0\0\0\0WEBP".as_slice(), name, &[0xEE; 20]].concat();
            assert_eq!(dimensions(&file, Format::Webp), None);
        }
    }

    #[test]
    fn an_extended_webp_declares_its_canvas() {
        let file = b"RIFF\0\0\0\0WEBPVP8X\x0A\0\0\0\x02\0\0\0\x2B\x01\0\x06\0\0";
        assert_eq!(dimensions(file, Format::Webp), Some(Dimensions { width: 300, height: 7 }));
    }
}
