//! Containers put together by hand, and pixels compared.

use valet_webp::{Image, decode, read};

/// A file at its full size.
pub(crate) fn full(file: &[u8]) -> Image {
    let header = read(file).unwrap();
    header.decode((header.width, header.height)).unwrap()
}

/// A chunk with its padding.
pub(crate) fn chunk(name: &str, payload: &[u8]) -> Vec<u8> {
    let size = u32::try_from(payload.len()).unwrap().to_le_bytes();
    let mut chunk = [name.as_bytes(), &size, payload].concat();
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    chunk
}

/// A whole file of these chunks.
pub(crate) fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    chunk("RIFF", &[b"WEBP".to_vec(), chunks.concat()].concat())
}

/// The extended header.
pub(crate) fn vp8x(flags: u8, width: u32, height: u32) -> Vec<u8> {
    chunk("VP8X", &[[flags, 0, 0, 0].as_slice(), &u24(width - 1), &u24(height - 1)].concat())
}

pub(crate) const ICC: u8 = 0x20;
pub(crate) const ALPHA: u8 = 0x10;
pub(crate) const EXIF: u8 = 0x08;
pub(crate) const ANIMATION: u8 = 0x02;

/// The chunks of alpha and pixels that a file of `tests/files` has.
pub(crate) fn picture_chunks(file: &[u8]) -> Vec<u8> {
    let mut rest = &file[12..];
    let mut found = Vec::new();
    while let Some((header, after)) = rest.split_first_chunk::<8>() {
        let size = u32::from_le_bytes(header[4..].try_into().unwrap()) as usize;
        let end = 8 + size.next_multiple_of(2).min(after.len());
        if [b"ALPH", b"VP8 ", b"VP8L"].iter().any(|name| header.starts_with(*name)) {
            found.extend(&rest[..end]);
        }
        rest = &rest[end..];
    }
    found
}

/// An animation of one file as its frame, and of nothing sensible after that.
pub(crate) fn animation(canvas: (u32, u32), at: (u32, u32), still: &[u8]) -> Vec<u8> {
    let size = read(still).map(|header| (header.width, header.height)).unwrap();
    riff(&[
        vp8x(ANIMATION | ALPHA, canvas.0, canvas.1),
        chunk("ANIM", &[0; 6]),
        chunk("ANMF", &[frame_header(at, size), picture_chunks(still)].concat()),
    ])
}

pub(crate) fn frame_header(at: (u32, u32), size: (u32, u32)) -> Vec<u8> {
    let fields = [at.0 / 2, at.1 / 2, size.0 - 1, size.1 - 1, 100];
    [fields.map(u24).concat(), vec![0]].concat()
}

fn u24(value: u32) -> [u8; 3] {
    let [low, middle, high, 0] = value.to_le_bytes() else { panic!("{value} has more than 24 bits") };
    [low, middle, high]
}

/// The mean and the largest difference of two pictures' bytes.
pub(crate) fn difference(one: &[u8], other: &[u8]) -> (f64, u8) {
    assert_eq!(one.len(), other.len());
    let each = one.iter().zip(other).map(|(one, other)| one.abs_diff(*other));
    let sum: f64 = each.clone().map(f64::from).sum();
    (sum / f64::from(u32::try_from(one.len()).unwrap()), each.max().unwrap())
}

/// The mean over the area that each smaller pixel covers, colours counting by their alpha if so told.
pub(crate) fn averaged(image: &Image, (width, height): (u32, u32), premultiplied: bool) -> Vec<u8> {
    let channels = usize::from(image.channels);
    let mut out = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let mut sums = vec![0.0; channels];
            let (mut area, mut weights) = (0.0, 0.0);
            for (row, high) in covered(y, height, image.height) {
                for (column, wide) in covered(x, width, image.width) {
                    let at = (row * image.width as usize + column) * channels;
                    let pixel = &image.pixels[at..at + channels];
                    let part = high * wide;
                    let weight = if premultiplied { part * f64::from(pixel[3]) } else { part };
                    area += part;
                    weights += weight;
                    for (channel, sum) in sums.iter_mut().enumerate() {
                        *sum += f64::from(pixel[channel]) * if channel == 3 { part } else { weight };
                    }
                }
            }
            for (channel, sum) in sums.into_iter().enumerate() {
                let whole = if channel == 3 { area } else { weights };
                let mean: f64 = if whole == 0.0 { 0.0 } else { sum / whole };
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a mean of bytes"
                )]
                out.push(mean.round() as u8);
            }
        }
    }
    out
}

/// Which pixels a smaller one covers along a side, and how much of each.
fn covered(at: u32, to: u32, from: u32) -> impl Iterator<Item = (usize, f64)> {
    let scale = f64::from(from) / f64::from(to);
    let (begin, end) = (f64::from(at) * scale, f64::from(at + 1) * scale);
    (0..from).filter_map(move |pixel| {
        let part = end.min(f64::from(pixel) + 1.0) - begin.max(f64::from(pixel));
        (part > 1e-9).then_some((pixel as usize, part))
    })
}

/// Xorshift: the same numbers every time, so that a failure comes back.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

/// Does everything that can be done with a file, of which it may be none.
pub(crate) fn tried(file: &[u8]) -> Result<Image, valet_webp::Error> {
    let header = read(file)?;
    assert!(header.icc_profile().is_none_or(|profile| profile.len() <= file.len()));
    assert!(header.exif().is_none_or(|exif| exif.len() <= file.len()));
    let small = (header.width.min(20), header.height.min(20));
    // Larger ones are for the tests of memory.
    if u64::from(header.width) * u64::from(header.height) < 1 << 20 {
        header.working_bytes(small)?;
        let _ = header.decode((header.width, header.height));
    }
    decode(file, small)
}
