//! Every call into libwebp; the only file with `unsafe`. It trusts no length it did not check itself.
//!
//! What is passed in lives longer than the call, what libwebp allocates is freed by a guard, and no callback of ours runs
//! within C.
#![expect(unsafe_code, reason = "libwebp is written in C")]

use std::mem::MaybeUninit;
use std::slice;

use libwebp_sys as c;

use crate::Error;
use crate::encode::MAX_SIDE;

/// Where decoded pixels go: rows of `width` pixels, `stride` bytes from one to the next.
pub(crate) struct Rows<'a> {
    pub(crate) pixels: &'a mut [u8],
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) channels: u8,
    pub(crate) stride: usize,
}

/// Decodes one picture, scaled if the rows ask for another size than `size`, which its header states.
pub(crate) fn decode(chunks: &[u8], size: (u32, u32), rows: Rows<'_>) -> Result<(), Error> {
    let Rows { pixels, width, height, channels, stride } = rows;
    assert!(width > 0 && height > 0, "rows have pixels");
    let row = to_usize(width) * usize::from(channels);
    let needed = stride.checked_mul(to_usize(height) - 1).and_then(|bytes| bytes.checked_add(row));
    assert!(
        row <= stride && needed.is_some_and(|needed| needed <= pixels.len()),
        "the rows fit their pixels"
    );
    let colorspace = match channels {
        3 => c::WEBP_CSP_MODE::MODE_RGB,
        4 => c::WEBP_CSP_MODE::MODE_RGBA,
        other => panic!("{other} channels are not decoded to"),
    };

    let mut config = c::WebPDecoderConfig::new().map_err(|()| OTHER_LIBRARY)?;
    config.output.colorspace = colorspace;
    config.output.is_external_memory = 1;
    config.output.u.RGBA =
        c::WebPRGBABuffer { rgba: pixels.as_mut_ptr(), stride: to_int(stride)?, size: pixels.len() };
    if (width, height) != size {
        config.options.use_scaling = 1;
        config.options.scaled_width = to_int(to_usize(width))?;
        config.options.scaled_height = to_int(to_usize(height))?;
    }
    // SAFETY: `chunks` is readable for its length. `config` was initialised by libwebp for the version of the header that the
    // bindings were made from. Its output is `pixels`, which nothing else borrows meanwhile, with its true length: libwebp
    // refuses a picture, scaled or not, whose rows do not fit that (CheckDecBuffer) and writes within those rows alone. External
    // memory is neither kept nor freed.
    let status = unsafe { c::WebPDecode(chunks.as_ptr(), chunks.len(), &raw mut config) };
    match status {
        c::VP8StatusCode::VP8_STATUS_OK => Ok(()),
        c::VP8StatusCode::VP8_STATUS_NOT_ENOUGH_DATA | c::VP8StatusCode::VP8_STATUS_SUSPENDED => {
            Err(Error::Truncated)
        }
        c::VP8StatusCode::VP8_STATUS_UNSUPPORTED_FEATURE => Err(Error::Unsupported),
        // The abort is libwebp's own, where setting up a lossy frame finds no memory.
        c::VP8StatusCode::VP8_STATUS_OUT_OF_MEMORY | c::VP8StatusCode::VP8_STATUS_USER_ABORT => {
            Err(Error::TooLarge("there is no memory to decode it"))
        }
        c::VP8StatusCode::VP8_STATUS_BITSTREAM_ERROR | c::VP8StatusCode::VP8_STATUS_INVALID_PARAM => {
            Err(Error::Corrupt("its compressed data makes no sense"))
        }
    }
}

/// Encodes rows that lie next to each other.
pub(crate) fn encode(
    pixels: &[u8],
    width: u32,
    height: u32,
    channels: u8,
    quality: u8,
    method: u8,
) -> Result<Vec<u8>, Error> {
    assert!(
        (1..=MAX_SIDE).contains(&width) && (1..=MAX_SIDE).contains(&height),
        "a size that can be written"
    );
    let stride = to_usize(width) * usize::from(channels);
    assert!(stride * to_usize(height) == pixels.len(), "as many pixels as the size says");

    let mut config = c::WebPConfig::new().map_err(|()| OTHER_LIBRARY)?;
    config.quality = f32::from(quality);
    config.method = method.into();
    let mut picture = Picture::new()?;
    picture.0.width = to_int(to_usize(width))?;
    picture.0.height = to_int(to_usize(height))?;
    let import = match channels {
        3 => c::WebPPictureImportRGB,
        4 => c::WebPPictureImportRGBA,
        other => panic!("{other} channels are not encoded"),
    };
    // SAFETY: `picture` was initialised by libwebp. `pixels` is readable for `height` rows of `stride` bytes, which is what width
    // and channels take, as asserted above; it is copied.
    if unsafe { import(&raw mut picture.0, pixels.as_ptr(), to_int(stride)?) } == 0 {
        return Err(NO_MEMORY_TO_ENCODE);
    }

    let mut writer = Writer::new();
    picture.0.writer = Some(c::WebPMemoryWrite);
    picture.0.custom_ptr = (&raw mut writer.0).cast();
    // SAFETY: both were initialised by libwebp, and the picture's pixels are its own copy. `WebPMemoryWrite` takes the picture's
    // `custom_ptr` for the writer that it is, which lives until the end of this function.
    if unsafe { c::WebPEncode(&raw const config, &raw mut picture.0) } == 0 {
        return Err(match picture.0.error_code {
            c::WebPEncodingError::VP8_ENC_ERROR_INVALID_CONFIGURATION => {
                panic!("quality {quality} and method {method} are libwebp's")
            }
            c::WebPEncodingError::VP8_ENC_ERROR_PARTITION0_OVERFLOW
            | c::WebPEncodingError::VP8_ENC_ERROR_PARTITION_OVERFLOW
            | c::WebPEncodingError::VP8_ENC_ERROR_FILE_TOO_BIG => {
                Error::TooLarge("its compressed data does not fit the format")
            }
            _ => NO_MEMORY_TO_ENCODE,
        });
    }
    Ok(writer.bytes().to_vec())
}

const OTHER_LIBRARY: Error = Error::Unsupported;
const NO_MEMORY_TO_ENCODE: Error = Error::TooLarge("there is no memory to encode it");

/// Pixels in libwebp's own memory.
struct Picture(c::WebPPicture);

impl Picture {
    fn new() -> Result<Self, Error> {
        c::WebPPicture::new().map(Self).map_err(|()| OTHER_LIBRARY)
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        // SAFETY: it was initialised by libwebp, which alone has set its pointers to memory, and is not used afterwards.
        unsafe { c::WebPPictureFree(&raw mut self.0) }
    }
}

/// A file that grows in libwebp's own memory.
struct Writer(c::WebPMemoryWriter);

impl Writer {
    fn new() -> Self {
        let mut writer = MaybeUninit::<c::WebPMemoryWriter>::zeroed();
        // SAFETY: the pointer is to memory of the right size and alignment, which libwebp sets.
        unsafe { c::WebPMemoryWriterInit(writer.as_mut_ptr()) };
        // SAFETY: of its fields, a pointer and integers, zeros are values already, and libwebp has set them.
        Self(unsafe { writer.assume_init() })
    }

    fn bytes(&self) -> &[u8] {
        if self.0.mem.is_null() {
            return &[];
        }
        // SAFETY: libwebp has written `size` bytes at `mem` and keeps them until the writer is cleared, which only dropping does.
        unsafe { slice::from_raw_parts(self.0.mem, self.0.size) }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // SAFETY: it was initialised by libwebp, which alone has set its pointer, and is not used afterwards.
        unsafe { c::WebPMemoryWriterClear(&raw mut self.0) }
    }
}

fn to_usize(side: u32) -> usize {
    usize::try_from(side).expect("a side fits an address")
}

fn to_int(bytes: usize) -> Result<i32, Error> {
    i32::try_from(bytes).map_err(|_| Error::TooLarge("a row of 2 GiB"))
}

#[cfg(test)]
mod tests {
    use libwebp_sys as c;

    #[test]
    fn the_library_that_is_linked_is_past_cve_2023_4863() {
        // SAFETY: they take nothing and return constants: major, minor and revision, a byte each.
        let decoder = unsafe { c::WebPGetDecoderVersion() };
        // SAFETY: as above.
        let encoder = unsafe { c::WebPGetEncoderVersion() };
        assert!(decoder >= 0x01_03_02, "{decoder:06x}");
        assert_eq!(decoder, encoder);
    }
}
