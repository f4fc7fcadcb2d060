//! What decoding a WebP file takes beside its pixels, by its first chunk; never the decoding itself.

/// Bytes for each pixel of the canvas the decoder holds at its peak, apart from the buffer it fills.
///
/// Read off the decoder: YUV planes 1.5; a lossless picture 4 and its tables; an alpha plane is a lossless
/// picture of its own that shrinks to 1; an animation has a canvas and a frame of 4 each on top.
pub(crate) fn working_bytes_per_pixel(bytes: &[u8]) -> u64 {
    const ANIMATION: u8 = 0b10;
    match bytes.get(12..21) {
        Some([b'V', b'P', b'8', b' ', ..]) => 2,
        Some([b'V', b'P', b'8', b'L', ..]) => 5,
        Some([b'V', b'P', b'8', b'X', _, _, _, _, flags]) if flags & ANIMATION != 0 => 11,
        _ => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::working_bytes_per_pixel;

    fn file(chunk: [u8; 4], flags: u8) -> Vec<u8> {
        [b"RIFF\0\0\0\0WEBP".as_slice(), &chunk, &[10, 0, 0, 0, flags]].concat()
    }

    #[test]
    fn an_animation_takes_more_than_a_still_and_a_lossy_picture_least() {
        assert_eq!(working_bytes_per_pixel(&file(*b"VP8 ", 0)), 2);
        assert_eq!(working_bytes_per_pixel(&file(*b"VP8L", 0)), 5);
        assert_eq!(working_bytes_per_pixel(&file(*b"VP8X", 0b1_0000)), 7);
        assert_eq!(working_bytes_per_pixel(&file(*b"VP8X", 0b1_0010)), 11);
    }

    #[test]
    fn a_file_that_ends_before_its_first_chunk_is_not_underestimated() {
        assert_eq!(working_bytes_per_pixel(b"RIFF\0\0\0\0WEBP"), 7);
    }
}
